// Signs in, watches, and shows the page of the address.
import { useEffect, useState } from "preact/hooks";
import { Shell } from "./parts/shell";
import { Busy, Empty } from "./parts/elements";
import { NoServer } from "./parts/no_server";
import { useWorkerWatch } from "./parts/no_worker";
import { below, path } from "./router";
import { access, startSession } from "./state/session";
import { sayFinishedTrainings } from "./state/finished";
import { watchJobs } from "./state/jobs";
import { AdapterPage } from "./pages/adapter";
import { AdaptersPage } from "./pages/adapters";
import { ConceptPage } from "./pages/concept";
import { ConceptsPage } from "./pages/concepts";
import { GalleryPage } from "./pages/gallery";
import { ImportPage } from "./pages/import";
import { JobPage } from "./pages/job";
import { JobsPage } from "./pages/jobs";
import { NewConceptPage } from "./pages/new_concept";
import { PicturePage } from "./pages/picture";
import { ReportPage } from "./pages/report";
import { SignInPage } from "./pages/sign_in";
import { TrainPage } from "./pages/train";

export function App() {
  const [problem, setProblem] = useState("");
  useEffect(() => {
    void startSession()
      .catch(() => "")
      .then((text) => {
        setProblem(text);
        if (text) return;
        sayFinishedTrainings();
        void watchJobs();
      });
  }, []);
  return (
    <Shell>
      {access.value === "unknown" ? (
        <Busy label="Connecting to the server" />
      ) : access.value === "closed" ? (
        <SignInPage problem={problem} />
      ) : (
        <Watched />
      )}
    </Shell>
  );
}

/** The page of the address, for somebody who is signed in. */
function Watched() {
  useWorkerWatch();
  return (
    <>
      <NoServer />
      <Page key={path.value} />
    </>
  );
}

function Page() {
  if (path.value === "/") return <ConceptsPage />;
  if (path.value === "/train") return <TrainPage />;
  const [concept] = below("/concepts") ?? [];
  if (concept === "new") return <NewConceptPage />;
  if (concept) return <ConceptPage name={`concepts/${concept}`} />;
  const job = below("/jobs");
  if (job) return job[0] ? <JobPage name={`jobs/${job[0]}`} /> : <JobsPage />;
  const adapter = below("/adapters");
  if (adapter?.[0] === "import") return <ImportPage />;
  if (adapter?.length === 2 && adapter[1] === "report") return <ReportPage name={`adapters/${adapter[0]}`} />;
  if (adapter) return adapter[0] ? <AdapterPage name={`adapters/${adapter[0]}`} /> : <AdaptersPage />;
  const picture = below("/gallery");
  if (picture)
    return picture.length === 2 ? (
      <PicturePage job={`jobs/${picture[0]}`} index={Number(picture[1])} />
    ) : (
      <GalleryPage />
    );
  return (
    <Empty title="There is no such page" text="The address may be mistyped.">
      <a class="button" href="/">
        Go to the concepts
      </a>
    </Empty>
  );
}
