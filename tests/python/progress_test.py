"""wait(progress=True): a bar on a terminal, with tqdm or without, and nothing elsewhere."""
import importlib.util
import io
import unittest
from unittest import mock

from vico import events
from vico._progress import Display

QUEUED = events.Queued("jobs/1", 1, None, 0, 2)
STUCK = events.Position("jobs/1", 0, None, 0, 0, True)
STEP = events.Progress("jobs/1", 2, None, 1, 30, 40, 0.1234, 0.0, 0.5, 5.0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stderr, progress, *told):
    with mock.patch("sys.stderr", stderr):
        display = Display("training", progress)
        for event in told:
            display.take(event)
        display.close()
    return stderr.getvalue()


class ProgressTest(unittest.TestCase):
    def test_a_terminal_shows_steps_loss_and_the_queue(self):
        text = shown(Terminal(), True, QUEUED, STEP)
        self.assertIn("queued, 2 before it", text)
        self.assertRegex(text, r"training.*30/40.*0\.1234")
        self.assertEqual("it/s" in text or "step/s" in text or "%" in text,
                         importlib.util.find_spec("tqdm") is not None)

    def test_a_job_that_no_worker_can_take_is_told(self):
        self.assertIn("no worker serves its base model", shown(Terminal(), True, STUCK))

    def test_nothing_is_shown_without_a_terminal(self):
        self.assertEqual(shown(io.StringIO(), True, QUEUED, STEP), "")

    def test_nothing_is_shown_unless_it_is_asked_for(self):
        self.assertEqual(shown(Terminal(), False, QUEUED, STEP), "")

    def test_a_function_gets_each_event(self):
        seen = []
        self.assertEqual(shown(Terminal(), seen.append, QUEUED, STEP), "")
        self.assertEqual(seen, [QUEUED, STEP])


if __name__ == "__main__":
    unittest.main()
