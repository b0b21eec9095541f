"""The page that the Python package carries is what web/ builds. Exits with 77 without Node."""
import filecmp
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / "python/vico_web/static"


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


with tempfile.TemporaryDirectory() as built:
    status = subprocess.run([ROOT / "web/build", built]).returncode
    if status:
        sys.exit(status)
    built = pathlib.Path(built)
    names = files(built)
    stale = sorted(names ^ files(KEPT)) + [name for name in sorted(names & files(KEPT))
                                           if not filecmp.cmp(built / name, KEPT / name, shallow=False)]
    if stale:
        sys.exit(f"python/vico_web/static differs from what web/ builds: {', '.join(stale)}\n"
                 "Run scripts/studio --build and commit the result.")
    print(f"{len(names)} files are as web/ builds them")
