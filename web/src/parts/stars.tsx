// A rating of 1 to 5 stars: radio buttons, so that the arrow keys choose.
interface StarsProps {
  value: number;
  onChange: (stars: number) => void;
}

export function Stars({ value, onChange }: StarsProps) {
  return (
    <fieldset class="stars">
      <legend class="hidden-text">Rating</legend>
      {[1, 2, 3, 4, 5].map((stars) => (
        <label key={stars} class={stars <= value ? "lit" : ""}>
          <span aria-hidden="true">{stars <= value ? "★" : "☆"}</span>
          <input
            type="radio"
            name="rating"
            aria-label={stars === 1 ? "1 star" : `${stars} stars`}
            checked={value === stars}
            onChange={() => onChange(stars)}
            onClick={() => value === stars && onChange(0)}
          />
        </label>
      ))}
    </fieldset>
  );
}
