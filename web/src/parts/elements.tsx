// Small elements that every page uses.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { CallError } from "../api/errors";
import type { Loaded } from "../state/loaded";
import { path } from "../router";
import { forPeople } from "../text";

interface HeadProps {
  title: string;
  lead?: ComponentChildren;
  crumb?: ComponentChildren;
  children?: ComponentChildren; // actions
}

/** The head of a page: it names the document, and takes the focus when the page changes. */
export function Head({ title, lead, crumb, children }: HeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Vico Studio`;
  }, [title]);
  const at = path.value;
  useEffect(() => {
    if (visited) heading.current?.focus({ preventScroll: true });
    visited = true;
  }, [at]);
  return (
    <div class="head">
      <div>
        {crumb && <div class="crumb muted">{crumb}</div>}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead && <div class="lead">{lead}</div>}
      </div>
      {children && <div class="row">{children}</div>}
    </div>
  );
}

let visited = false; // the first page leaves the focus where the browser puts it

export function Busy({ label = "Loading" }: { label?: string }) {
  return (
    <div class="row" role="status">
      <span class="busy" aria-hidden="true" />
      <span class="muted">{label}…</span>
    </div>
  );
}

export function ErrorNote({ error, retry }: { error: CallError; retry?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <span>{forPeople(error.message)}</span>
      {retry && (
        <button type="button" class="button compact" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The value once it is there; a spinner before, the reason if it does not come. */
export function Await<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  if (of.value !== undefined) return <>{children(of.value)}</>;
  return of.error ? <ErrorNote error={of.error} /> : <Busy />;
}

export function Empty({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}

interface FieldProps {
  label: string;
  id: string;
  hint?: ComponentChildren;
  problem?: string;
  good?: string;
  children: (aria: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => JSX.Element;
}

/** A control with its label, and what is wrong with its value. */
export function Field({ label, id, hint, problem, good, children }: FieldProps) {
  const described = [hint && `${id}-hint`, problem && `${id}-problem`, good && `${id}-good`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": problem ? true : undefined })}
      {problem && (
        <span class="problem" id={`${id}-problem`}>
          {problem}
        </span>
      )}
      {good && (
        <span class="good" id={`${id}-good`}>
          {good}
        </span>
      )}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}
