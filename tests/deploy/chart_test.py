"""The Helm chart: lint, each set of values that its README lists, each object against its schema, and rules for all
values: no service account token, restricted pods, one server, closed networks."""
import functools
import pathlib
import re
import subprocess
import tempfile
import unittest

import tools

HELM, = tools.need("helm")
tools.need_modules("kubernetes_validate", "yaml", "cloudcoil.models.keda",
                   "cloudcoil.models.cert_manager", "cloudcoil.models.prometheus_operator")

import yaml  # noqa: E402

import kubernetes_schema  # noqa: E402

CHART = tools.ROOT / "deploy/helm/vico"
NAMED = sorted(set(re.findall(r"`(ci/[a-z-]+\.yaml)`", (CHART / "README.md").read_text())))


def helm(*words):
    return subprocess.run([HELM, *map(str, words)], capture_output=True, text=True, timeout=60)


@functools.cache
def render(values):
    done = helm("template", "vico", CHART, "--namespace", "vico", "--values", CHART / values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(*settings):
    """The error of helm for values that it must refuse."""
    done = helm("template", "vico", CHART, *(w for s in settings for w in ("--set-json", s)))
    assert done.returncode != 0, f"accepted: {settings}"
    return done.stderr


def pods(documents):
    return {d["metadata"]["name"]: d["spec"]["template"]["spec"]
            for d in documents if d["kind"] == "Deployment"}


class ChartTest(unittest.TestCase):
    def test_the_readme_lists_every_set_of_values(self):
        self.assertEqual(NAMED, sorted(f"ci/{p.name}" for p in (CHART / "ci").glob("*.yaml")))

    def test_every_set_of_values_passes_lint(self):
        for values in NAMED:
            with self.subTest(values):
                done = helm("lint", "--strict", CHART, "--values", CHART / values)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_object_matches_its_schema(self):
        for values in NAMED:
            versions = ("1.33", "1.34") if "model-image" in values else kubernetes_schema.VERSIONS
            for document in render(values):
                with self.subTest(values=values, kind=document["kind"]):
                    self.assertEqual(kubernetes_schema.problems(document, versions), [])

    def test_the_schemas_refuse_unknown_fields(self):
        for values, kind, field in (("ci/default.yaml", "Deployment", ("spec", "template", "spec", "tolerance")),
                                    ("ci/keda.yaml", "ScaledObject", ("spec", "minReplicas")),
                                    ("ci/monitoring.yaml", "ServiceMonitor", ("spec", "endpoint")),
                                    ("ci/cert-manager.yaml", "Certificate", ("spec", "dnsName"))):
            original = next(d for d in render(values) if d["kind"] == kind)
            broken = yaml.safe_load(yaml.safe_dump(original))
            at = broken
            for step in field[:-1]:
                at = at[step]
            at[field[-1]] = "x"
            with self.subTest(kind):
                found = kubernetes_schema.problems(broken)
                self.assertTrue(found and field[-1] in found[0], found)

    def test_pods_are_restricted_and_have_no_token(self):
        for values in NAMED:
            for name, pod in pods(render(values)).items():
                with self.subTest(values=values, pod=name):
                    self.assertIs(pod["automountServiceAccountToken"], False)
                    self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
                    self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    for key in ("hostNetwork", "hostPID", "hostIPC"):
                        self.assertNotIn(key, pod)
                    allowed = {"emptyDir", "secret", "persistentVolumeClaim", "image"}
                    for volume in pod["volumes"]:
                        self.assertEqual(len(set(volume) - {"name"} - allowed), 0, volume)
                    for container in pod["containers"]:
                        self.assertEqual(container["securityContext"],
                                         {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                          "capabilities": {"drop": ["ALL"]}})
                        self.assertNotIn("privileged", str(container["args"]))
            for account in (d for d in render(values) if d["kind"] == "ServiceAccount"):
                self.assertIs(account["automountServiceAccountToken"], False)

    def test_there_is_never_more_than_one_server(self):
        for values in NAMED:
            server = next(d for d in render(values) if d["metadata"]["name"] == "vico-server"
                          and d["kind"] == "Deployment")
            self.assertEqual(server["spec"]["replicas"], 1)
            self.assertEqual(server["spec"]["strategy"], {"type": "Recreate"})

    def test_the_grace_periods_are_long_enough(self):
        graces = {name: pod["terminationGracePeriodSeconds"]
                  for name, pod in pods(render("ci/default.yaml")).items()}
        self.assertEqual(graces, {"vico-server": 60, "vico-worker-cpu": 180})

    def test_health_does_not_depend_on_workers(self):
        container = pods(render("ci/default.yaml"))["vico-server"]["containers"][0]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            command = container[probe]["exec"]["command"]
            self.assertEqual(command[0], "vico-health")
            self.assertFalse(any("worker" in word for word in command), command)

    def test_only_a_gpu_class_requests_a_device(self):
        gpu = pods(render("ci/gpu.yaml"))
        self.assertEqual(set(gpu), {"vico-server", "vico-worker-a100", "vico-worker-t4"})
        for name in ("vico-worker-a100", "vico-worker-t4"):
            container = gpu[name]["containers"][0]
            self.assertEqual(container["resources"]["limits"]["nvidia.com/gpu"], 1)
            self.assertIn("--device=cuda", container["args"])
        cpu = pods(render("ci/default.yaml"))["vico-worker-cpu"]["containers"][0]
        self.assertNotIn("nvidia.com/gpu", cpu["resources"]["limits"])
        self.assertIn("--device=cpu", cpu["args"])

    def test_a_worker_reaches_only_the_server(self):
        policies = {d["metadata"]["name"]: d["spec"] for d in render("ci/default.yaml")
                    if d["kind"] == "NetworkPolicy"}
        worker, server = policies["vico-worker"], policies["vico-server"]
        self.assertEqual(worker["ingress"], [])
        self.assertEqual([[p["port"] for p in rule["ports"]] for rule in worker["egress"]], [[50052], [53, 53]])
        peer = worker["egress"][0]["to"][0]["podSelector"]["matchLabels"]
        self.assertEqual(peer["app.kubernetes.io/component"], "server")
        self.assertEqual(server["egress"], [])
        self.assertEqual(set(server["policyTypes"]), {"Ingress", "Egress"})

    def test_spans_go_to_the_collector_with_a_key_from_a_secret(self):
        for values in set(NAMED) - {"ci/tracing.yaml"}:
            self.assertNotIn("otlp", str(render(values)))
        documents = render("ci/tracing.yaml")
        for policy in (d for d in documents if d["kind"] == "NetworkPolicy"):
            ports = {p["port"]: rule["to"] for rule in policy["spec"]["egress"] for p in rule["ports"]}
            self.assertEqual(ports[443], [{"ipBlock": {"cidr": "192.0.2.0/24"}}])
            self.assertIn(53, ports, "the collector's name needs DNS")
            self.assertEqual(set(ports) - {443, 53}, {50052} if policy["metadata"]["name"] == "vico-worker" else set())
        for name, pod in pods(documents).items():
            container = pod["containers"][0]
            variables = {one["name"]: one for one in container["env"]}
            with self.subTest(name):
                self.assertIn("--otlp-endpoint=https://otlp.example.com", container["args"])
                self.assertEqual(variables["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"],
                                 {"secretKeyRef": {"name": "vico-otlp", "key": "headers"}})
                ca = pathlib.PurePath(variables["SSL_CERT_FILE"]["value"])
                mount = next(m for m in container["volumeMounts"] if m["mountPath"] == str(ca.parent))
                volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
                self.assertEqual(volume["secret"], {"secretName": "vico-otlp-ca",
                                                    "items": [{"key": ca.name, "path": ca.name}]})

    def test_services_and_policies_select_pods(self):
        for values in NAMED:
            documents = render(values)
            labels = [d["spec"]["template"]["metadata"]["labels"] for d in documents if d["kind"] == "Deployment"]
            selectors = [d["spec"]["selector"] for d in documents if d["kind"] == "Service"]
            selectors += [d["spec"]["selector"]["matchLabels"] for d in documents
                          if d["kind"] in ("Deployment", "PodDisruptionBudget")]
            selectors += [d["spec"]["podSelector"]["matchLabels"] for d in documents if d["kind"] == "NetworkPolicy"]
            for selector in selectors:
                with self.subTest(values=values, selector=selector):
                    self.assertTrue(any(selector.items() <= of.items() for of in labels))

    def test_a_scaled_class_leaves_its_replicas_to_the_scaler(self):
        for values, name in (("ci/keda.yaml", "vico-worker-gpu"), ("ci/hpa.yaml", "vico-worker-cpu")):
            deployment = next(d for d in render(values) if d["kind"] == "Deployment" and d["metadata"]["name"] == name)
            self.assertNotIn("replicas", deployment["spec"])
            scaler = next(d for d in render(values) if d["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"))
            self.assertEqual(scaler["spec"]["scaleTargetRef"]["name"], name)

    def test_no_secret_is_rendered(self):
        for values in NAMED:
            self.assertNotIn("Secret", [d["kind"] for d in render(values)])

    def test_an_error_names_the_invalid_value(self):
        for settings, word in (
                (["server.relicas=2"], "relicas"),
                (["workers.x={\"gpu\":1}"], "gpu"),
                (["workers.x={\"gpus\":2}"], "gpus"),
                (["workers.UPPER={}"], "UPPER"),
                (["server.terminationGracePeriodSeconds=10"], "terminationGracePeriodSeconds"),
                (["workers.x={\"models\":{\"source\":\"claim\"}}"], "models.claim"),
                (["workers.x={\"models\":{\"source\":\"image\"}}"], "models.image"),
                (["workers.x={\"autoscaling\":{\"kind\":\"keda\"}}"], "prometheus"),
                (["workers.x={\"autoscaling\":{\"kind\":\"hpa\"}}", "metrics.enabled=false"], "metrics.enabled"),
                (["tls.certManager.enabled=true"], "issuer"),
                (["tracing.endpoint=\"collector:4318\""], "endpoint"),
                (["tracing.headers=\"api-key=1\""], "headers"),
                (["tracing.headersSecret=\"vico-otlp\""], "tracing.endpoint"),
                (["networkPolicy.collectorPort=0"], "collectorPort")):
            with self.subTest(settings):
                self.assertIn(word, refusal(*settings))

    def test_the_plain_manifests_equal_the_rendered_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([tools.ROOT / "scripts/manifests", folder], check=True, timeout=60,
                           env={"HELM": HELM, "PATH": "/usr/bin:/bin"})
            for name in ("vico-default.yaml", "vico-gpu.yaml"):
                self.assertEqual((tools.ROOT / "deploy/kubernetes" / name).read_text(),
                                 (pathlib.Path(folder) / name).read_text(), "run scripts/manifests")


if __name__ == "__main__":
    unittest.main()
