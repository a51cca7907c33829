"""Every process of ours is asked whether it works, and scraped, where it really listens."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def _ours() -> dict[str, Any]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return {name: service for name, service in services.items() if "build" in service}


def _port(service: dict[str, Any]) -> int:
    return int(service["environment"].get("REACHPOINT_WORKER__PORT", 8080))


def test_each_is_asked_on_its_own_port_whether_it_is_ready() -> None:
    for name, service in _ours().items():
        assert f"127.0.0.1:{_port(service)}/v1/ready" in service["healthcheck"]["test"][-1], name


def test_prometheus_scrapes_each() -> None:
    said = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {target for job in said["scrape_configs"] for part in job["static_configs"] for target in part["targets"]}
    assert targets == {f"{name}:{_port(service)}" for name, service in _ours().items()}
