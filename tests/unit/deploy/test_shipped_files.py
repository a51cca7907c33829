"""The shipped files fit each other and the code: Compose's schema, every metric, every setting, every mounted path."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from service.metrics import Metrics
from service.settings import read_settings

ROOT = Path(__file__).parents[3]
COMPOSE = sorted(ROOT.glob("docker-compose*.yml"))
SCHEMA = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
BOARD = ROOT / "deploy" / "grafana" / "dashboards" / "reachpoint.json"


def _compose(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


EACH = pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)


@EACH
def test_a_compose_file_is_valid(path: Path) -> None:
    schema = json.loads(Path(str(distribution("check-jsonschema").locate_file(SCHEMA))).read_text())
    assert [fault.message for fault in Draft7Validator(schema).iter_errors(_compose(path))] == []


@EACH
def test_what_it_mounts_from_here_is_here(path: Path) -> None:
    for name, service in _compose(path)["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name} mounts {source}"


@EACH
def test_volumes_networks_and_secrets_are_declared(path: Path) -> None:
    said = _compose(path)
    for name, service in said["services"].items():
        named = {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert {volume for volume in named if not volume.startswith(".")} <= said["volumes"].keys(), name
        assert set(service.get("networks", ())) <= said.get("networks", {}).keys(), name
        assert set(service.get("secrets", ())) <= said.get("secrets", {}).keys(), name


@EACH
def test_every_service_is_bounded_and_may_gain_nothing(path: Path) -> None:
    for name, service in _compose(path)["services"].items():
        assert service["mem_limit"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("privileged") is None, name


@EACH
def test_doors_are_on_loopback_and_secrets_are_files(path: Path) -> None:
    said = _compose(path)
    for name, service in said["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
        for value in (service.get("environment") or {}).values():
            assert "password" not in str(value).lower() or str(value).startswith("/run/secrets/"), name
    for name, secret in said.get("secrets", {}).items():
        assert set(secret) == {"file"}, name


def test_ours_run_without_root_on_a_read_only_disk() -> None:
    for path in COMPOSE:
        for name, service in _compose(path)["services"].items():
            if "build" in service:
                assert service["read_only"] is True, name
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER reachpoint$", dockerfile, re.M)
    assert dockerfile.count("FROM ") == 2


def test_two_workers_and_an_api_of_the_distributed_engine() -> None:
    services = _compose(ROOT / "docker-compose.yml")["services"]
    commands = [service["command"][0] for service in services.values() if "build" in service]
    assert sorted(commands) == ["api", "worker", "worker"]


def test_the_shipped_settings_can_be_read(tmp_path: Path) -> None:
    settings = read_settings(ROOT / "deploy" / "reachpoint.toml", data_dir=tmp_path)
    assert settings.engine == "distributed"


def _metrics() -> set[str]:
    names: set[str] = set()
    for family in Metrics().registry.collect():
        names |= {family.name, f"{family.name}_total", *(sample.name for sample in family.samples)}
        names |= {f"{family.name}_{end}" for end in ("bucket", "count", "sum")}
    return names


def test_every_metric_of_the_board_and_of_the_alarms_is_served() -> None:
    known = _metrics()
    asked = [target["expr"] for panel in json.loads(BOARD.read_text())["panels"] for target in panel["targets"]]
    groups = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    asked += [rule["expr"] for group in groups for rule in group["rules"]]
    assert len(asked) > 25
    for expression in asked:
        named = set(re.findall(r"reachpoint_\w+", expression))
        assert named, expression
        assert named <= known, f"{expression}: {named - known}"


def test_the_board_has_no_panel_on_top_of_another() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads(BOARD.read_text())["panels"]:
        at = panel["gridPos"]
        own = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not own & places, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        places |= own
