"""The alerts and the dashboard: promtool checks the rules and runs their tests. Every alert has a test, a severity and a
row in the operator's guide."""
import json
import re
import subprocess
import unittest

import tools

PROMTOOL, = tools.need("promtool")
tools.need_modules("yaml")

import yaml  # noqa: E402

MONITORING = tools.ROOT / "deploy/monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
         for rule in group["rules"] if "alert" in rule]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())


def promtool(*words):
    return subprocess.run([PROMTOOL, *words], capture_output=True, text=True, timeout=60, cwd=MONITORING)


class MonitoringTest(unittest.TestCase):
    def test_promtool_accepts_the_rules(self):
        done = promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_has_a_test_that_fires_and_one_that_does_not(self):
        done = promtool("test", "rules", "alerts_test.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        tests = yaml.safe_load((MONITORING / "alerts_test.yaml").read_text())["tests"]
        for wanted in (True, False):
            tested = {case["alertname"] for test in tests for case in test["alert_rule_test"]
                      if bool(case.get("exp_alerts")) == wanted}
            self.assertEqual(tested, {rule["alert"] for rule in RULES})

    def test_each_alert_has_a_severity_and_a_row_in_the_guide(self):
        guide = (tools.ROOT / "docs/operators-guide.md").read_text()
        for rule in RULES:
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                self.assertTrue(rule["annotations"]["summary"])
                self.assertIn(f"| {rule['alert']} |", guide)

    def test_numbers_that_each_server_exports_are_not_added_up(self):
        shared = r"vico_(jobs|queue_oldest_seconds|workers\w*|base_models|worker_memory_bytes|loaded_adapters)\b(?!_)"
        expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
        expressions += [rule["expr"] for rule in RULES]
        found = 0
        for expression in expressions:
            for at in re.finditer(shared + r"\{?", expression):
                found += 1
                before = expression[:at.start()]
                with self.subTest(expression):
                    self.assertRegex(before, r"max( (by|without) \([a-z, ]+\) ?)?\((min_over_time\()?$")
        self.assertGreater(found, 10)

    def test_the_dashboard_is_consistent(self):
        panels = DASHBOARD["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
        used = set(re.findall(r"\$\{?([a-z]+)\}?", json.dumps(panels))) - {"__rate"}
        self.assertLessEqual(used, variables)
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} overlaps another panel")
            taken |= cells


if __name__ == "__main__":
    unittest.main()
