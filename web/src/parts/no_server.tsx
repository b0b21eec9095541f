// What to do when the server has not answered since the page was opened.
import { connection, reached } from "../state/jobs";

export function NoServer() {
  if (reached.value || connection.value !== "offline") return null;
  return (
    <div class="note warm apart" role="status">
      <span class="busy" aria-hidden="true" />
      <div>
        <strong>The studio does not reach its server.</strong> Whoever runs the studio starts <code>vico-server</code>,
        or names the address of one that runs: <code>vico-web --server HOST:PORT</code>. This page goes on by itself
        when the server answers.
      </div>
    </div>
  );
}
