"""How long the way of a newcomer takes in the browser: from opening the page to the first picture of their own thing.
Usage: tests/web/with_studio_python tests/web/newcomer.py VICO_SERVER VICO_WORKER [FOLDER]. A real server and worker run
with the tiny base model and the base model's own number of training steps; the person presses what the page offers next
and types one word. Prints the seconds of each stage. FOLDER gets a picture of each, and those of README.md."""
import pathlib
import sys
import tempfile
import time

from playwright.sync_api import expect, sync_playwright

from studio_machine import CHROMIUM, PICTURES, Machine, drop

WORK = 600_000  # milliseconds that a job may take


class Walk:
    def __init__(self, page, folder):
        self._page, self._folder = page, folder
        self._begin = self._last = time.monotonic()
        self._number = 0

    def stage(self, name):
        now = time.monotonic()
        print(f"{now - self._last:7.1f} s  {name}", flush=True)
        if self._folder:
            self._page.screenshot(path=self._folder / f"{self._number:02}_{name.replace(' ', '_')}.png")
        self._number += 1
        self._last = time.monotonic()

    def whole(self):
        return time.monotonic() - self._begin


def walk(page, address, folder):
    steps = Walk(page, folder)
    page.goto(address)
    expect(page.get_by_text("Start with your pictures")).to_be_visible()
    steps.stage("the page is open")
    page.get_by_role("link", name="Choose pictures").click()
    drop(page, ".drop", PICTURES)
    page.get_by_role("button", name=f"Upload {len(PICTURES)} pictures").click()
    page.get_by_role("link", name="Train this concept").wait_for()
    steps.stage("the pictures are uploaded")
    page.get_by_role("link", name="Train this concept").click()
    page.get_by_label("What is it?").fill("robot")
    expect(page.get_by_text("can be used: the base model knows it")).to_be_visible()
    steps.stage("the training is described")
    page.get_by_role("button", name="Start the training").click()
    draw = page.get_by_role("link", name="Draw with it").first
    draw.wait_for(timeout=WORK)
    steps.stage("the training is done")
    training = page.url
    draw.click()
    expect(page.get_by_label("Prompts")).to_have_value("a photo of a S* on the beach")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.locator(".prompt-row a.picture img").first.wait_for(timeout=WORK)
    steps.stage("the first picture is there")
    print(f"{steps.whole():7.1f} s  from the page to the first picture")
    return training


def take_pictures(page, training, folder):
    """The pictures of README.md: a gallery of three prompts, and the training."""
    page.get_by_label("Prompts").fill("\n".join(f"a photo of a S* {scene}" for scene in (
        "in the city", "on the beach", "under the night sky")))
    page.get_by_label("Seed", exact=True).fill("40")
    page.get_by_role("button", name="Keep the seed").click()
    page.get_by_role("button", name="Draw 3 prompts").click()
    expect(page.locator(".prompt-row a.picture img")).to_have_count(16, timeout=WORK)
    page.mouse.move(0, 0)
    page.screenshot(path=folder / "studio_gallery.png")
    page.goto(training)
    expect(page.locator(".masked .light")).to_have_count(len(PICTURES))
    page.set_viewport_size({"width": 1280, "height": 1140})
    page.wait_for_timeout(1000)  # the curve
    page.screenshot(path=folder / "studio_training.png")


def main():
    server, worker, *rest = sys.argv[1:]
    shots = pathlib.Path(rest[0]) if rest else None
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        machine = Machine(server, worker, folder)
        try:
            machine.start_worker()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
            page.set_default_timeout(20_000)
            training = walk(page, machine.address, shots)
            if shots:
                take_pictures(page, training, shots)
            browser.close()
        finally:
            machine.stop()


if __name__ == "__main__":
    main()
