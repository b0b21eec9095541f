"""The Helm chart: lint, each set of values that its README lists, each object against its schema, and rules for all
values: no service account token, restricted pods, one server on the embedded store, closed networks."""
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
SHARED = {"ci/scaled-out.yaml", "ci/scaled-out-aws.yaml", "ci/scaled-out-trial.yaml"}  # several servers
NAMED = sorted(set(re.findall(r"`(ci/[a-z-]+\.yaml)`", (CHART / "README.md").read_text())))


def helm(*words):
    return subprocess.run([HELM, *map(str, words)], capture_output=True, text=True, timeout=60)


@functools.cache
def render(values):
    done = helm("template", "vico", CHART, "--namespace", "vico", "--values", CHART / values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(*settings, values="ci/default.yaml"):
    """The error of helm for values that it must refuse."""
    done = helm("template", "vico", CHART, "--values", CHART / values, *(w for s in settings for w in ("--set-json", s)))
    assert done.returncode != 0, f"accepted: {settings}"
    return done.stderr


WORKLOADS = ("Deployment", "StatefulSet", "Job")


def pods(documents):
    return {d["metadata"]["name"]: d["spec"]["template"]["spec"]
            for d in documents if d["kind"] in WORKLOADS}


def only(documents, kind, name):
    """The one object of this kind and name."""
    found, = [d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    return found


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
                    allowed = {"emptyDir", "secret", "persistentVolumeClaim", "image", "projected"}
                    for volume in pod["volumes"]:
                        self.assertEqual(len(set(volume) - {"name"} - allowed), 0, volume)
                        for source in volume.get("projected", {}).get("sources", ()):  # no token for Kubernetes itself
                            self.assertEqual(source["serviceAccountToken"]["audience"], "sts.amazonaws.com")
                    for container in pod["containers"] + pod.get("initContainers", []):
                        self.assertEqual(container["securityContext"],
                                         {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                          "capabilities": {"drop": ["ALL"]}})
                        self.assertNotIn("privileged", str(container.get("args")))
            for account in (d for d in render(values) if d["kind"] == "ServiceAccount"):
                self.assertIs(account["automountServiceAccountToken"], False)

    def test_the_embedded_store_never_has_more_than_one_server(self):
        for values in set(NAMED) - SHARED:
            spec = only(render(values), "Deployment", "vico-server")["spec"]
            self.assertEqual(spec["replicas"], 1)
            self.assertEqual(spec["strategy"], {"type": "Recreate"})
            args = spec["template"]["spec"]["containers"][0]["args"]
            self.assertFalse([word for word in args if re.match(r"--(database|blobs|s3|max-connection)", word)])
            self.assertEqual({d["kind"] for d in render(values)} & {"Secret", "Job", "StatefulSet"}, set())

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
        four = pods(render("ci/scaled-out.yaml"))["vico-worker-a100"]["containers"][0]
        self.assertEqual(four["resources"]["limits"]["nvidia.com/gpu"], 4)
        self.assertIn("--device=cuda:0,cuda:1,cuda:2,cuda:3", four["args"])
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
            labels = [d["spec"]["template"]["metadata"]["labels"] for d in documents if d["kind"] in WORKLOADS]
            selectors = [d["spec"]["selector"] for d in documents if d["kind"] == "Service"]
            selectors += [d["spec"]["selector"]["matchLabels"] for d in documents
                          if d["kind"] in ("Deployment", "StatefulSet", "PodDisruptionBudget")]
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

    def test_a_scaler_counts_each_job_once(self):
        scaler = only(render("ci/keda.yaml"), "ScaledObject", "vico-worker-gpu")
        self.assertEqual(scaler["spec"]["triggers"][0]["metadata"]["query"],
                         'sum(max by (kind, state) (vico_jobs{namespace="vico"})) or vector(0)')
        metric = only(render("ci/hpa.yaml"), "HorizontalPodAutoscaler", "vico-worker-cpu")["spec"]["metrics"][0]
        rules = yaml.safe_load((tools.ROOT / "deploy/monitoring/alerts.yaml").read_text())
        recorded = {rule["record"]: rule["expr"] for group in rules["groups"] for rule in group["rules"] if "record" in rule}
        self.assertIn("max without (instance, pod)", recorded[metric["external"]["metric"]["name"]])

    def test_a_secret_is_rendered_only_for_a_password_among_the_values(self):
        for values in NAMED:
            secrets = {d["metadata"]["name"]: d["stringData"] for d in render(values) if d["kind"] == "Secret"}
            with self.subTest(values):
                self.assertEqual(set(secrets), {"ci/scaled-out-aws.yaml": {"vico-database", "vico-migrate"},
                                                "ci/scaled-out-trial.yaml": {"vico-database", "vico-blobs"}}.get(values, set()))
                words = yaml.safe_dump([d for d in render(values) if d["kind"] != "Secret"])
                for content in secrets.values():
                    for key in {"password", "secret-access-key"} & set(content):
                        self.assertNotIn(f": {content[key]}\n", words)

    def test_an_error_names_the_invalid_value(self):
        for settings, word in (
                (["server.relicas=2"], "relicas"),
                (["workers.x={\"gpu\":1}"], "gpu"),
                (["workers.x={\"gpus\":17}"], "gpus"),
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
                (["networkPolicy.collectorPort=0"], "collectorPort"),
                (["server.replicas=2"], "database.url"),
                (["server.autoscaling={\"enabled\":true}"], "database.url"),
                (["database.url=\"postgres://vico:password@db/vico\""], "/database/url"),
                (["database.url=\"postgres://vico@db/vico\""], "blobs.url"),
                (["blobs.url=\"s3://vico\""], "database.url"),
                (["blobs.url=\"https://vico\""], "/blobs/url")):
            with self.subTest(settings):
                self.assertIn(word, refusal(*settings))

    def test_an_error_names_what_a_shared_store_lacks(self):
        for settings, word in (
                (["database.passwordSecret=\"x\"", "database.password=\"y\""], "database.password"),
                (["blobs.credentialsSecret=\"\""], "blobs.credentialsSecret"),
                (["blobs.credentialsSecret=\"\"", "blobs.accessKeyId=\"x\""], "blobs.secretAccessKey"),
                (["blobs.accessKeyId=\"x\"", "blobs.secretAccessKey=\"y\""], "blobs.accessKeyId"),
                (["database.bundled={\"enabled\":true}"], "database.bundled"),
                (["blobs.bundled={\"enabled\":true}"], "blobs.bundled"),
                (["database={\"url\":\"\",\"passwordSecret\":\"\",\"bundled\":{\"enabled\":true}}"], "database.password"),
                (["networkPolicy.database=[]"], "networkPolicy.database"),
                (["networkPolicy.blobs=[]"], "networkPolicy.blobs")):
            with self.subTest(settings):
                self.assertIn(word, refusal(*settings, values="ci/scaled-out.yaml"))

    def test_servers_that_share_a_store_start_before_the_old_ones_end_and_are_spread(self):
        for values in SHARED:
            deployment = only(render(values), "Deployment", "vico-server")["spec"]
            with self.subTest(values):
                self.assertEqual(deployment["strategy"], {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
                spread = deployment["template"]["spec"]["topologySpreadConstraints"]
                self.assertEqual([one["topologyKey"] for one in spread], ["topology.kubernetes.io/zone", "kubernetes.io/hostname"])
                for one in spread:
                    labels = deployment["template"]["metadata"]["labels"]
                    self.assertLessEqual(one["labelSelector"]["matchLabels"].items(), labels.items())
                budget = only(render(values), "PodDisruptionBudget", "vico-server")["spec"]
                self.assertEqual(budget["maxUnavailable"], 1)
                internal = only(render(values), "Service", "vico-internal")["spec"]
                self.assertEqual(internal["clusterIP"], "None", "a worker must see each server's address")
                self.assertNotIn("PersistentVolumeClaim", [d["kind"] for d in render(values)])
        self.assertEqual(only(render("ci/scaled-out-aws.yaml"), "Deployment", "vico-server")["spec"]["replicas"], 3)

    def test_scaled_servers_leave_their_number_to_the_scaler(self):
        documents = render("ci/scaled-out.yaml")
        self.assertNotIn("replicas", only(documents, "Deployment", "vico-server")["spec"])
        scaler = only(documents, "HorizontalPodAutoscaler", "vico-server")["spec"]
        self.assertEqual((scaler["minReplicas"], scaler["maxReplicas"]), (3, 10))
        self.assertEqual(scaler["scaleTargetRef"], {"apiVersion": "apps/v1", "kind": "Deployment", "name": "vico-server"})
        self.assertEqual(scaler["metrics"][0]["resource"]["name"], "cpu")
        self.assertIn("cpu", pods(documents)["vico-server"]["containers"][0]["resources"]["requests"])

    def test_passwords_come_from_secrets_and_never_from_arguments(self):
        for values, database, blobs in (("ci/scaled-out.yaml", "vico-database", "vico-blobs"),
                                        ("ci/scaled-out-trial.yaml", "vico-database", "vico-blobs")):
            pod = pods(render(values))["vico-server"]
            container = pod["containers"][0]
            with self.subTest(values):
                path = pathlib.PurePath(next(w for w in container["args"] if "password-file" in w).split("=")[1])
                mount = next(m for m in container["volumeMounts"] if m["mountPath"] == str(path.parent))
                volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
                self.assertEqual(volume["secret"]["secretName"], database)
                self.assertEqual(volume["secret"]["items"], [{"key": path.name, "path": path.name}])
                variables = {one["name"]: one for one in container["env"]}
                for name, key in (("AWS_ACCESS_KEY_ID", "access-key-id"), ("AWS_SECRET_ACCESS_KEY", "secret-access-key")):
                    self.assertEqual(variables[name]["valueFrom"], {"secretKeyRef": {"name": blobs, "key": key}})

    def test_a_bucket_may_have_a_ca_of_its_own(self):
        pod = pods(render("ci/scaled-out.yaml"))["vico-server"]
        path = pathlib.PurePath(next(w for w in pod["containers"][0]["args"] if w.startswith("--s3-ca=")).split("=")[1])
        mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == str(path.parent))
        volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
        self.assertEqual(volume["secret"], {"secretName": "vico-blobs-ca", "items": [{"key": path.name, "path": path.name}]})
        self.assertNotIn("--s3-ca", str(pods(render("ci/scaled-out-aws.yaml"))))

    def test_a_role_replaces_the_credentials(self):
        pod = pods(render("ci/scaled-out-aws.yaml"))["vico-server"]
        variables = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
        self.assertFalse({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & set(variables))
        path = pathlib.PurePath(variables["AWS_WEB_IDENTITY_TOKEN_FILE"])
        mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == str(path.parent))
        volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
        self.assertEqual(volume["projected"]["sources"][0]["serviceAccountToken"]["path"], path.name)

    def test_the_migration_runs_before_the_servers(self):
        for values, secret in (("ci/scaled-out.yaml", "vico-database"), ("ci/scaled-out-aws.yaml", "vico-migrate")):
            job = only(render(values), "Job", "vico-migrate")
            annotations = job["metadata"]["annotations"]
            with self.subTest(values):
                self.assertEqual(annotations["helm.sh/hook"], "pre-install,pre-upgrade")
                pod = job["spec"]["template"]["spec"]
                self.assertNotIn("serviceAccountName", pod, "the release's accounts do not exist before the first hook")
                self.assertEqual(pod["containers"][0]["args"][0], "migrate")
                self.assertEqual(pod["containers"][0]["image"], pods(render(values))["vico-server"]["containers"][0]["image"])
                mounted = next(v for v in pod["volumes"] if v["name"] == "database")
                self.assertEqual(mounted["secret"]["secretName"], secret)
                if secret == "vico-migrate":
                    hook = only(render(values), "Secret", secret)["metadata"]["annotations"]
                    self.assertLess(int(hook["helm.sh/hook-weight"]), int(annotations["helm.sh/hook-weight"]))
        trial = render("ci/scaled-out-trial.yaml")
        self.assertNotIn("Job", [d["kind"] for d in trial], "a hook cannot wait for the bundled database")
        self.assertEqual(pods(trial)["vico-server"]["initContainers"][0]["args"][0], "migrate")

    def test_servers_reach_only_the_database_and_the_bucket(self):
        policies = {values: {d["metadata"]["name"]: d["spec"] for d in render(values) if d["kind"] == "NetworkPolicy"}
                    for values in SHARED}

        def egress(values, name):
            return [(rule["to"], [p["port"] for p in rule["ports"]]) for rule in policies[values][name]["egress"]]
        database = ([{"ipBlock": {"cidr": "192.0.2.10/32"}}], [5432])
        resolver = ([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}], [53, 53])
        self.assertEqual(egress("ci/scaled-out.yaml", "vico-server"),
                         [database, ([{"ipBlock": {"cidr": "192.0.2.64/26"}}], [443]), resolver])
        self.assertEqual(egress("ci/scaled-out.yaml", "vico-migrate"), [database, resolver])
        trial = policies["ci/scaled-out-trial.yaml"]
        ports = [port for _, ports in egress("ci/scaled-out-trial.yaml", "vico-server") for port in ports]
        self.assertEqual(ports, [5432, 8333, 53, 53])
        for part in ("postgresql", "seaweedfs"):
            self.assertEqual(trial[f"vico-{part}"]["egress"], [])
            (rule,) = trial[f"vico-{part}"]["ingress"]
            self.assertEqual(rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"], "server")
            selector = trial[f"vico-{part}"]["podSelector"]["matchLabels"]
            labels = only(render("ci/scaled-out-trial.yaml"), "StatefulSet", f"vico-{part}")["spec"]["template"]["metadata"]["labels"]
            self.assertLessEqual(selector.items(), labels.items())
        for one in trial.values():
            for rule in one["egress"]:
                self.assertTrue(rule["to"], "an empty list of peers means every peer")

    def test_the_plain_manifests_equal_the_rendered_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([tools.ROOT / "scripts/manifests", folder], check=True, timeout=60,
                           env={"HELM": HELM, "PATH": "/usr/bin:/bin"})
            for name in ("vico-default.yaml", "vico-gpu.yaml"):
                self.assertEqual((tools.ROOT / "deploy/kubernetes" / name).read_text(),
                                 (pathlib.Path(folder) / name).read_text(), "run scripts/manifests")


if __name__ == "__main__":
    unittest.main()
