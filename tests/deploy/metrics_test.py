"""Scrapes a server while jobs run: the values are correct, every metric in the dashboard and the alerts exists, and no
label contains data of a caller. Usage: metrics_test.py VICO_SERVER VICO_HEALTH"""
import json
import pathlib
import re
import socket
import subprocess
import sys
import unittest
import urllib.request

import fake_worker
import tools
import vico_api
from vico_api import call, message

tools.need_modules("yaml")

import grpc  # noqa: E402
import yaml  # noqa: E402

HEALTH_PROGRAM = sys.argv.pop(2)
SERVER_PROGRAM = sys.argv.pop(1)
MONITORING = tools.ROOT / "deploy/monitoring"
SECRET = "a prompt of a tenant"


def scrape(server):
    """{name: {labels: value}} of all samples."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.ports['metrics_port']}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        key = ",".join(sorted(re.findall(r'\w+="[^"]*"', labels or "")))
        samples.setdefault(name, {})[key] = float(value)
    return samples, text


def named_metrics():
    """The metrics in the alerts and the dashboard."""
    expressions = [rule["expr"] for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
                   for rule in group["rules"]]
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    expressions += [variable["query"]["query"] for variable in dashboard["templating"]["list"]
                    if isinstance(variable["query"], dict)]
    return {name for expression in expressions for name in re.findall(r"\b(?:vico|process)_\w+", expression)}


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = vico_api.Server(SERVER_PROGRAM, "--metrics-listen", "127.0.0.1:0", "--lease-seconds", "1").__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.clients = grpc.insecure_channel(cls.server.address)
        workers = grpc.insecure_channel(cls.server.worker_address)
        cls.addClassCleanup(cls.clients.close)
        cls.addClassCleanup(workers.close)
        cls.worker = fake_worker.FakeWorker(workers, "worker-with-a-name")
        cls.before, _ = scrape(cls.server)
        cls.worker.register()

    def value(self, name, labels=""):
        return scrape(self.server)[0].get(name, {}).get(labels)

    def grew(self, before, name, labels=""):
        return self.value(name, labels) - before.get(name, {}).get(labels, 0)

    def submit(self):
        return call(self.clients, "JobService", "CreateGenerationJob")(
            fake_worker.submit_generation(self.clients, prompt=SECRET), timeout=10)

    def test_every_metric_in_dashboard_and_alerts_exists(self):
        self.submit_and_finish()  # creates the metrics of calls, steps and jobs
        samples, _ = scrape(self.server)
        names = named_metrics()
        self.assertGreater(len(names), 20)
        self.assertEqual(names - set(samples), set())

    def submit_and_finish(self):
        job = self.submit()
        leased = self.worker.lease()
        self.worker.report(leased, 1, step=1, totalSteps=25, secondsPerStep=0.25)
        self.worker.finish(leased, failure={"status": {"code": 3, "message": "x"}})
        return job

    def test_a_job_is_counted_from_its_submission_to_its_end(self):
        kind = 'kind="generation"'
        before, _ = scrape(self.server)
        self.submit()
        self.assertEqual(self.grew(before, "vico_jobs_submitted_total", kind), 1)
        self.assertEqual(self.value("vico_jobs", kind + ',state="queued"'), 1)
        leased = self.worker.lease()
        self.assertEqual(self.value("vico_jobs", kind + ',state="queued"'), 0)
        self.assertEqual(self.value("vico_jobs", kind + ',state="running"'), 1)
        self.assertEqual(self.value("vico_workers"), 1)
        self.assertEqual(self.value("vico_workers_busy"), 1)
        self.assertEqual(self.value("vico_base_models"), 1)
        self.assertEqual(self.grew(before, "vico_queue_wait_seconds_count", kind), 1)
        self.worker.report(leased, 1, load={"memoryBytes": "123456", "loadedAdapters": 3}, step=3, totalSteps=25,
                           secondsPerStep=0.25)
        for of in ("all", "most"):
            self.assertEqual(self.value("vico_worker_memory_bytes", f'of="{of}"'), 123456)
        self.assertEqual(self.value("vico_loaded_adapters"), 3)
        self.assertEqual(self.value("vico_ready"), 1)
        self.assertEqual(self.value("vico_leader"), 1)
        self.assertEqual(self.value("vico_workers_draining"), 0)
        for outcome in ("sent", "dropped"):  # without a collector
            self.assertEqual(self.value("vico_spans_total", f'outcome="{outcome}"'), 0)
        self.assertEqual(self.grew(before, "vico_step_seconds_count", kind), 1)
        self.assertAlmostEqual(self.grew(before, "vico_step_seconds_sum", kind), 0.25)
        finish = message("FinishRequest", job=leased.job, lease_id=leased.lease_id)
        finish.failure.status.code = 3
        self.worker.call("Finish", finish)
        self.worker.call("Finish", finish)  # a retry is not counted
        ended = 'kind="generation",outcome="failed"'
        self.assertEqual(self.grew(before, "vico_job_seconds_count", ended), 1)
        self.assertEqual(self.grew(before, "vico_attempts_failed_total", 'reason="other"'), 1)
        self.assertEqual(self.value("vico_workers_busy"), 0)

    def test_cancels_releases_and_lost_leases_are_counted(self):
        before, _ = scrape(self.server)
        job = self.submit()
        leased = self.worker.lease()
        self.worker.finish(leased, released={})
        self.assertEqual(self.grew(before, "vico_releases_total"), 1)
        self.worker.lease()
        vico_api.wait_for(lambda: self.grew(before, "vico_lease_expiries_total") == 1, "a lease to run out")
        call(self.clients, "JobService", "CancelJob")(message("CancelJobRequest", name=job.name), timeout=10)
        self.assertEqual(self.grew(before, "vico_cancellations_total"), 1)

    def test_bytes_calls_and_streams_are_counted(self):
        before, _ = scrape(self.server)
        job = self.submit()
        watching = call(self.clients, "JobService", "WatchJob")(message("WatchJobRequest", name=job.name), timeout=60)
        next(watching)
        self.assertGreaterEqual(self.value("vico_open_streams", 'group="clients"'), 1)
        call(self.clients, "JobService", "CancelJob")(message("CancelJobRequest", name=job.name), timeout=10)
        list(watching)
        answer = call(self.clients, "ConceptService", "UploadConcept")(
            vico_api.upload_parts([vico_api.noise_png(64, 64, seed) for seed in range(2)]), timeout=60)
        stored = sum(picture.blob.size_bytes for picture in answer.uploaded_concept.pictures)
        self.assertEqual(self.grew(before, "vico_blob_bytes_total", 'direction="in"'), stored)
        for method in ("CreateGenerationJob", "CancelJob", "UploadConcept", "WatchJob"):
            self.assertEqual(self.grew(before, "vico_calls_total", f'code="OK",method="{method}"'), 1, method)
            self.assertEqual(self.grew(before, "vico_call_seconds_count", f'method="{method}"'), 1, method)
        with self.assertRaises(grpc.RpcError):
            call(self.clients, "JobService", "GetJob")(message("GetJobRequest", name="jobs/nothing"), timeout=10)
        errors = [value for labels, value in scrape(self.server)[0]["vico_calls_total"].items()
                  if 'method="GetJob"' in labels and 'code="OK"' not in labels]
        self.assertEqual(errors, [1])

    def test_open_connections_are_counted_by_listener(self):
        def open_to(listener):
            return self.value("vico_connections_open", f'listener="{listener}"')
        vico_api.wait_for(lambda: open_to("clients") == open_to("workers") == 1, "only the fixture's connections")
        with grpc.insecure_channel(self.server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as another:
            grpc.channel_ready_future(another).result(timeout=10)
            self.assertEqual((open_to("clients"), open_to("workers")), (2, 1))
        vico_api.wait_for(lambda: open_to("clients") == 1, "the closed connection to be noticed")

    def test_disk_and_process_metrics_match_this_machine(self):
        self.assertGreater(self.value("vico_data_size_bytes"), self.value("vico_data_free_bytes"))
        self.assertGreater(self.value("vico_data_free_bytes"), 0)
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024
        self.assertAlmostEqual(self.value("process_resident_memory_bytes") / resident, 1, delta=0.2)
        self.assertGreater(self.value("process_max_fds"), self.value("process_open_fds"))
        self.assertGreater(self.value("process_open_fds"), 3)

    def test_labels_have_few_values_and_none_from_a_caller(self):
        self.submit_and_finish()
        samples, text = scrape(self.server)
        values = " ".join(set(re.findall(r'"([^"]*)"', text)))
        for secret in (SECRET, "jobs/", "lease_", "worker-with-a-name", "default"):
            self.assertNotIn(secret, values)
        ours = sum(len(series) for name, series in samples.items() if name.startswith("vico_"))
        self.assertLess(ours, 600)

    def test_counters_exist_from_the_start(self):
        for name in ("vico_job_seconds_count", "vico_lease_expiries_total", "vico_attempts_failed_total",
                     "vico_cancellations_total", "vico_blob_bytes_total", "vico_connections_refused_total",
                     "vico_jobs", "vico_jobs_submitted_total"):
            self.assertEqual(set(self.before[name].values()), {0}, name)


class HealthTest(unittest.TestCase):
    """vico-health, as in the probes."""

    def check(self, *words):
        done = subprocess.run([HEALTH_PROGRAM, *words], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def test_a_server_without_workers_is_healthy_and_its_workers_are_not(self):
        with vico_api.Server(SERVER_PROGRAM) as server:
            self.assertEqual(self.check(server.address), (0, ""))
            self.assertEqual(self.check("--service", "vico.v1.JobService", server.address), (0, ""))
            self.assertEqual(self.check("--service", "vico.worker", server.address), (1, "vico-health: not serving\n"))
            code, said = self.check("--service", "no.such.Service", server.address)
            self.assertEqual((code, "no service" in said), (1, True))

    def test_a_server_without_an_answer_is_not_healthy(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            self.assertEqual(self.check(f"127.0.0.1:{silent.getsockname()[1]}")[0], 1)
            silent.listen()
            self.assertEqual(self.check("--seconds", "1", f"127.0.0.1:{silent.getsockname()[1]}")[0], 1)

    def test_it_connects_over_tls(self):
        import nginx_edge
        with vico_api.Server(SERVER_PROGRAM) as server, nginx_edge.Edge(server.address) as edge:
            self.assertEqual(self.check("--tls", f"localhost:{edge.port}"), (0, ""))
            self.assertEqual(self.check(f"localhost:{edge.port}")[0], 1)

    def test_wrong_flags_give_exit_code_2(self):
        self.assertEqual(self.check()[0], 2)
        self.assertEqual(self.check("--seconds", "0", "localhost:1")[0], 2)


if __name__ == "__main__":
    unittest.main()
