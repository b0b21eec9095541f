// Asks for an API key. The key goes into a cookie that no script can read, and is kept nowhere else.
import { useSignal } from "@preact/signals";
import { Field, Head } from "../parts/elements";
import { signIn } from "../state/session";

export function SignInPage({ problem }: { problem: string }) {
  const key = useSignal("");
  const wrong = useSignal(problem);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    try {
      await signIn(key.value);
    } catch (error) {
      wrong.value = (error as Error).message;
      busy.value = false;
    }
  };
  return (
    <div style={{ maxWidth: "440px", margin: "6vh auto 0" }}>
      <Head title="Sign in" lead="This server asks who you are. Your administrator gives you a key." />
      <form class="card stack" onSubmit={submit}>
        <Field label="API key" id="key" problem={wrong.value} hint="It is kept for this browser until you sign out.">
          {(aria) => (
            <input
              {...aria}
              type="password"
              autocomplete="current-password"
              required
              value={key.value}
              onInput={(event) => (key.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <button class="button main" disabled={busy.value}>
          {busy.value ? "Asking the server…" : "Sign in"}
        </button>
      </form>
    </div>
  );
}
