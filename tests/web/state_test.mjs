// What the page makes of forms, specs and events, without a browser: with_node state_test.mjs. The packages and the
// messages are those of the bundle's test.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";

const web = new URL("../../web/", import.meta.url).pathname;
const { createServer } = await import(createRequire(web).resolve("vite"));

// What modules look at when they are loaded.
const listeners = { addEventListener() {}, removeEventListener() {} };
Object.assign(globalThis, {
  location: { origin: "http://studio.test", pathname: "/", search: "", hash: "" },
  localStorage: { getItem: () => null, setItem() {} },
  matchMedia: () => ({ matches: false, ...listeners }),
  document: Object.assign(new EventTarget(), { documentElement: { dataset: {} }, hidden: false }),
  ...listeners,
});

/** As if another tab were in front, or no longer. */
function hide(hidden) {
  document.hidden = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
}

const vite = await createServer({
  root: web,
  configFile: `${web}vite.config.ts`,
  server: { middlewareMode: true, watch: null, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true },
  appType: "custom",
  logLevel: "error",
});
after(() => vite.close());

const load = (path) => vite.ssrLoadModule(`/src/${path}`);
let state, jobs, prompts, evaluation, gallery, messages, create, labels;
before(async () => {
  state = await load("state/draft.ts");
  jobs = await load("state/jobs.ts");
  prompts = await load("state/prompts.ts");
  evaluation = await load("parts/evaluate_form.tsx");
  gallery = await load("pages/gallery.tsx");
  messages = await load("gen/vico/v1/job_pb.ts");
  labels = await load("text.ts");
  ({ create } = await vite.ssrLoadModule("@bufbuild/protobuf"));
});

const form = (changes) => ({ ...state.emptyDraft, ...changes });
const generation = (spec, changes = {}) =>
  create(messages.JobSchema, {
    name: "jobs/1",
    kind: messages.JobKind.GENERATION,
    state: messages.JobState.SUCCEEDED,
    spec: { kind: { case: "generate", value: spec } },
    ...changes,
  });

test("one prompt is `prompt`, several are `prompts`, and empty lines are none", () => {
  const one = state.readDraft(form({ prompts: "\n  a robot \n" }));
  assert.deepEqual([one.spec.prompt, one.spec.prompts, one.problems], ["a robot", [], []]);
  const two = state.readDraft(form({ prompts: "a\n\nb" }));
  assert.deepEqual([two.spec.prompt, two.spec.prompts], ["", ["a", "b"]]);
  const none = state.readDraft(form({}));
  assert.deepEqual(
    none.problems.map((one) => one.field),
    ["generate.prompt"],
  );
});

test("strength needs an adapter, denoise a start picture, and neither is sent before somebody sets it", () => {
  const moved = { prompts: "a", strength: "0.5", denoise: "0.3" };
  const bare = state.readDraft(form(moved)).spec;
  assert.deepEqual([bare.strength, bare.denoise], [undefined, undefined]);
  const full = state.readDraft(form({ ...moved, adapter: "adapters/1", initPicture: "jobs/1/pictures/0" })).spec;
  assert.deepEqual([full.strength, full.denoise, full.initPicture], [0.5, 0.3, "jobs/1/pictures/0"]);
  const still = state.readDraft(form({ prompts: "a", adapter: "adapters/1", initPicture: "jobs/1/pictures/0" })).spec;
  assert.deepEqual([still.strength, still.denoise], [undefined, undefined]);
});

test("every wrong number is said at its field", () => {
  const wrong = form({ prompts: "a", pictureCount: "x", steps: "1.5", guidanceScale: "much", seed: "-1" });
  assert.deepEqual(
    state
      .readDraft(wrong)
      .problems.map((one) => one.field)
      .sort(),
    ["generate.guidance_scale", "generate.picture_count", "generate.seeds", "generate.steps"],
  );
});

test("picture i is of prompt i / picture_count, and all prompts have the same seeds", () => {
  const spec = create(messages.GenerateSpecSchema, { prompts: ["a", "b"], pictureCount: 3, seeds: [7n] });
  assert.deepEqual(
    [0, 2, 3, 5].map((index) => prompts.promptAt(spec, index)),
    ["a", "a", "b", "b"],
  );
  assert.deepEqual(
    [0, 2, 3, 5].map((index) => prompts.seedAt(spec, index)),
    [7n, 9n, 7n, 9n],
  );
  assert.equal(prompts.promptLine(spec), "a, and 1 other prompt");
  const single = create(messages.GenerateSpecSchema, { prompt: "c", seeds: [4n, 9n], pictureCount: 2 });
  assert.deepEqual([prompts.promptAt(single, 1), prompts.seedAt(single, 1)], ["c", 9n]);
});

test("the rows of the gallery are by prompt and adapter, also within a job", () => {
  const picture = (index) => ({ index, seed: BigInt(7 + (index % 2)), name: `jobs/1/pictures/${index}` });
  const spec = { adapter: "adapters/1", prompts: ["a", "b"], pictureCount: 2, seeds: [7n] };
  const both = generation(spec, { pictures: [0, 1, 2, 3].map(picture) });
  const forming = generation(
    { adapter: "adapters/1", prompt: "b", pictureCount: 1, seeds: [3n] },
    { name: "jobs/2", state: messages.JobState.RUNNING },
  );
  const other = generation({ prompt: "b" }, { name: "jobs/3", state: messages.JobState.FAILED });
  const rows = gallery.rowsOf([forming, both, other]);
  assert.deepEqual(
    rows.map((row) => [row.prompt, row.adapter, row.tiles.length, row.failed.length]),
    [
      ["b", "adapters/1", 3, 0],
      ["a", "adapters/1", 2, 0],
      ["b", "", 0, 1],
    ],
  );
  assert.deepEqual(
    rows[0].tiles.map((tile) => [tile.job.name, tile.index, tile.seed]),
    [
      ["jobs/2", 0, 3n],
      ["jobs/1", 2, 7n],
      ["jobs/1", 3, 8n],
    ],
  );
  const twice = generation({ prompts: ["a", "a"], pictureCount: 1 }, { pictures: [picture(0), picture(1)] });
  assert.deepEqual(
    gallery.rowsOf([twice]).map((row) => row.tiles.length),
    [2],
  );
});

test("settings of a picture are those of its own prompt, and what was typed stays", () => {
  const spec = create(messages.GenerateSpecSchema, {
    adapter: "adapters/1",
    prompts: ["a", "b"],
    pictureCount: 2,
    strength: 0.5,
    initPicture: "jobs/0/pictures/0",
    denoise: 0.4,
  });
  const settings = state.draftOf(spec, { index: 2, seed: 9n });
  assert.deepEqual([settings.prompts, settings.seed, settings.strength, settings.denoise], ["b", "9", "0.5", "0.4"]);
  const now = form({ prompts: "my own", strength: "1.5" });
  const { draft, kept } = state.takeSettings(now, new Set(["prompts", "strength"]), settings, false);
  assert.deepEqual([draft.prompts, draft.strength, draft.initPicture], ["my own", "1.5", "jobs/0/pictures/0"]);
  assert.deepEqual(kept.sort(), ["prompt", "strength"]);
});

test("a training that succeeds has an adapter, and an evaluation keeps none", () => {
  const event = create(messages.EventSchema, {
    sequence: 5n,
    what: { case: "succeeded", value: { adapter: "adapters/1" } },
  });
  const of = (kind) => create(messages.JobSchema, { kind, state: messages.JobState.RUNNING });
  assert.equal(jobs.applyEvent(of(messages.JobKind.TRAINING), event).adapter, "adapters/1");
  const evaluated = jobs.applyEvent(of(messages.JobKind.EVALUATION), event);
  assert.deepEqual([evaluated.adapter, evaluated.state], ["", messages.JobState.SUCCEEDED]);
});

test("an evaluation takes the defaults for what is empty", () => {
  const empty = evaluation.readEvaluation("adapters/1", { prompts: "", pictureCount: "", seed: "" });
  assert.deepEqual(
    [empty.spec.prompts, empty.spec.pictureCount, empty.spec.seed, empty.problems],
    [[], undefined, undefined, []],
  );
  const wrong = evaluation.readEvaluation("adapters/1", { prompts: "a\nb", pictureCount: "2.5", seed: "x" });
  assert.deepEqual(
    wrong.problems.map((one) => one.field),
    ["evaluate.picture_count", "evaluate.seed"],
  );
});

test("the prompt for the base model alone has the class in place of the learned word", () => {
  assert.equal(labels.withClassWord("a photo of a S* here", "S*", "robot"), "a photo of a robot here");
  assert.equal(labels.withClassWord("S* at sea", "S*", "owl"), "an owl at sea");
});

test("an empty prompt is filled with the adapter's word, and what was typed stays", () => {
  state.draft.value = form({});
  state.suggestPrompt();
  assert.equal(state.draft.value.prompts, "a photo of a robot on the beach");
  state.suggestPrompt("S*");
  assert.deepEqual([state.draft.value.prompts, state.isSuggested.value], ["a photo of a S* on the beach", true]);
  state.edit("prompts", "my own");
  state.suggestPrompt("<owl>");
  assert.deepEqual([state.draft.value.prompts, state.isSuggested.value], ["my own", false]);
});

test("the word of a concept's name is its last one", async () => {
  const { guessWord } = await load("pages/train.tsx");
  assert.deepEqual(["Red Robot 2", "dog", "", "4663247e", "Bär!"].map(guessWord), ["robot", "dog", "", "", "bär"]);
});

test("an uploaded picture is kept as long as the server says, whatever the clocks say", async () => {
  const uploads = await load("state/uploads.ts");
  const { UploadedPictureSchema } = await load("gen/vico/v1/picture_pb.ts");
  const times = { createTime: { seconds: 1000n }, expireTime: { seconds: 1060n } }; // a minute, long ago
  const name = uploads.keepUpload(create(UploadedPictureSchema, { name: "pictures/1", ...times }), "robot.png", 5e12);
  assert.deepEqual(
    [uploads.isKept(name, 5e12 + 59_000), uploads.isKept(name, 5e12 + 60_000), uploads.isKept("pictures/2", 0)],
    [true, false, false],
  );
  const { startPictureNamed, startPictureTitle } = await load("state/start_picture.ts");
  assert.deepEqual([startPictureNamed(name).name, startPictureTitle(name)], [name, "robot.png"]);
  assert.equal(uploads.expiredPicture(name, 5e12 + 59_000), undefined);
  const expired = uploads.expiredPicture(name, 5e12 + 60_000);
  assert.equal(expired.field, "generate.init_picture");
  assert.match(expired.text, /has deleted this one\. Choose it again/);
  assert.equal(startPictureNamed(name), undefined);
});

test("a picture that the server no longer has is said at its field, in words for people", async () => {
  const { missingPicture } = await load("state/uploads.ts");
  const { CallError } = await load("api/errors.ts");
  const { Code } = await vite.ssrLoadModule("@connectrpc/connect");
  const spec = { initPicture: "pictures/1", maskPicture: "pictures/2" };
  const say = (field, init = spec.initPicture, code = Code.NotFound) =>
    missingPicture(new CallError(`${field}: there is no x`, code, "NOT_FOUND", []), { ...spec, initPicture: init });
  assert.match(say("generate.init_picture").text, /Choose it again/);
  assert.match(say("generate.init_picture", "jobs/1/pictures/0").text, /has been deleted\. Choose another/);
  const mask = say("generate.mask_picture");
  assert.equal(mask.field, "generate.mask_picture");
  assert.match(mask.text, /sent again/);
  assert.equal(say("generate.adapter"), undefined);
  assert.equal(say("generate.init_picture", "pictures/1", Code.Unavailable), undefined);
});

test("what is repeated rests while nobody looks, and ends when it is told to", async () => {
  const { repeat } = await load("state/seen.ts");
  let count = 0;
  let told;
  const next = () => new Promise((resolve) => (told = resolve));
  const stop = repeat(async () => (++count, told?.()), 1);
  const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  try {
    await next();
    hide(true);
    await pause(20); // one that was on its way may end
    const hidden = count;
    await pause(50);
    assert.equal(count, hidden);
    const seenAgain = next();
    hide(false);
    await seenAgain;
    assert.ok(count > hidden);
  } finally {
    stop();
  }
  await pause(20);
  const stopped = count;
  await pause(30);
  assert.equal(count, stopped);
});

test("a worker that comes is noticed by looking again", async () => {
  const { ListBaseModelsResponseSchema, CapabilitiesSchema } = await load("gen/vico/v1/model_pb.ts");
  const { toBinary } = await vite.ssrLoadModule("@bufbuild/protobuf");
  const frame = (flag, data) => Buffer.concat([Buffer.from([flag, 0, 0, data.length >> 8, data.length & 255]), data]);
  const answers = { ListBaseModels: [ListBaseModelsResponseSchema, {}], GetCapabilities: [CapabilitiesSchema, {}] };
  const { fetch } = globalThis;
  globalThis.fetch = async (url) => {
    const [schema, value] = answers[String(url).split("/").at(-1)];
    const body = [
      frame(0, Buffer.from(toBinary(schema, create(schema, value)))),
      frame(0x80, Buffer.from("grpc-status: 0\r\n")),
    ];
    return new Response(Buffer.concat(body), { headers: { "content-type": "application/grpc-web+proto" } });
  };
  try {
    const catalog = await load("state/catalog.ts");
    const models = catalog.useModels();
    await models.reload();
    assert.equal(catalog.isServed.value, false);
    const base = (available) => ({ baseModels: [{ name: "baseModels/toy", available }] });
    answers.ListBaseModels[1] = base(false);
    await models.reload();
    assert.equal(catalog.isServed.value, false, "a base model whose worker is away serves nobody");
    answers.ListBaseModels[1] = base(true);
    await models.reload();
    assert.equal(catalog.isServed.value, true);
  } finally {
    globalThis.fetch = fetch;
  }
});

/** What an element shows, with its components; they use no hooks. */
function textOf(node) {
  if (node === null || node === undefined || typeof node === "boolean") return "";
  if (Array.isArray(node)) return node.map(textOf).join(" ");
  if (typeof node !== "object") return String(node);
  return textOf(typeof node.type === "function" ? node.type(node.props) : node.props.children);
}

test("a figure that was not measured is a dash with its reason", async () => {
  const { FiguresTable, PromptsTable } = await load("parts/figures_table.tsx");
  const of = (name, afterByPrompt) => ({ name, measuredWith: "scorer", before: NaN, after: 0.5, afterByPrompt });
  const figures = [of("prompt_fidelity", [0.25, NaN]), of("clip_i", [0.75, 0.5])];
  const text = textOf(PromptsTable({ prompts: ["on the beach", "a S*"], figures }));
  assert.doesNotMatch(text, /NaN/);
  assert.match(text, /on the beach\s+0\.25/);
  assert.match(text, /a S\*\s+–\s+not measured:\s+the prompt names no scene that the scorer knows\s+0\.5/);
  assert.match(text, /–\s+Prompt fidelity\s+was not measured:\s+the prompt names no scene/);
  assert.doesNotMatch(text, /CLIP-I\s+was not measured/);
  const whole = textOf(FiguresTable({ figures }));
  assert.doesNotMatch(whole, /NaN/);
  assert.match(whole, /– not measured/);
});
