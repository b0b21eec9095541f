// Questions in front of the page. The page behind cannot be reached until they are answered.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Field } from "./elements";

interface DialogProps {
  title: string;
  onClose: () => void;
  /** `close` gives the focus back to where it was. The element with data-first has it first. */
  children: (close: () => void) => ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  // The browser's own event of closing comes later: by then the same question may be open again.
  const close = () => {
    dialog.current?.close();
    onClose();
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClose={(event) => event.currentTarget.isConnected && onClose()}
    >
      <h2 id="dialog-title">{title}</h2>
      {children(close)}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something is lost. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      {(close) => (
        <>
          <p class="muted">{text}</p>
          <div class="row">
            <button
              type="button"
              class="button danger"
              onClick={() => {
                close();
                onConfirm();
              }}
            >
              {action}
            </button>
            <button type="button" class="button" data-first onClick={close}>
              Keep
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface RenameProps {
  title: string;
  value: string;
  onSave: (name: string) => Promise<void>;
  onClose: () => void;
}

/** Asks for a name. */
export function Rename({ title, value, onSave, onClose }: RenameProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.select(), []);
  return (
    <Dialog title={title} onClose={onClose}>
      {(close) => (
        <form
          class="stack"
          onSubmit={async (event) => {
            event.preventDefault();
            await onSave(input.current?.value.trim() ?? "");
            close();
          }}
        >
          <Field label="Name" id="rename">
            {(aria) => <input {...aria} ref={input} data-first maxLength={100} defaultValue={value} />}
          </Field>
          <div class="row">
            <button class="button main">Save</button>
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
