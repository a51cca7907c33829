"""Fetches Kafka's jars with Maven, once, into a cache outside the tree: `python -m tests.kafka.jars` prints where.

The versions stand in pom.xml beside this file. A fetch that was cut off leaves nothing behind that looks whole.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


class NoKafka(RuntimeError):
    """The jars cannot be had: Maven or Java is missing, or its registry does not answer."""


def jars() -> Path:
    """The folder of the jars, fetched if need be. Raises NoKafka with what Maven said."""
    folder = _cache() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "reachpoint"


def _fetch(folder: Path) -> None:
    for command in ("mvn", "java"):
        if shutil.which(command) is None:
            raise NoKafka(f"'{command}' is not installed; .ci/run says what the tests need.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
        whole = Path(fresh) / "jars"
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={whole}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoKafka(f"Maven could not fetch Kafka's jars:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        try:
            whole.rename(folder)
        except OSError:
            if not folder.is_dir():  # somebody else was faster
                raise


if __name__ == "__main__":
    print(jars())
