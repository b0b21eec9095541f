// Whether the server knows who is calling.
import { signal } from "@preact/signals";

/** "open": no key is needed, or one is set; "closed": a key is missing. */
export const access = signal<"unknown" | "open" | "closed">("unknown");

/** There is a session that can be ended. */
export const signedIn = signal(false);

async function send(method: string, body?: object): Promise<Response> {
  return fetch("/session", {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
}

async function post(body: object): Promise<void> {
  const answer = await send("POST", body);
  if (!answer.ok) throw new Error(await answer.text());
}

/** Signs in and loads the page anew, so that nothing stays of somebody who was signed in before. */
export async function signIn(key: string): Promise<void> {
  await post({ key });
  location.reload();
}

/** Opens the session of the address that vico-web printed, if this is it, and removes the token from the address. */
export async function startSession(): Promise<string> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) {
    signedIn.value = (await (await send("GET")).json()).signed_in;
    return "";
  }
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await post({ token });
    signedIn.value = true;
    return "";
  } catch (error) {
    access.value = "closed";
    return (error as Error).message;
  }
}

export async function signOut(): Promise<void> {
  await send("DELETE");
  location.assign("/");
}
