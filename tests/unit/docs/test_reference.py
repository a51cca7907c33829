"""The generated pages are what the code says today: `make docs` renews them."""

import re
from pathlib import Path

import pytest

from alerts.senders.apprise_sender import AppriseSender
from service.reference import (
    DOCS,
    change_schema_page,
    configuration_page,
    described_app,
    openapi_page,
    rules_schema_page,
    schema_page,
    setting_names,
)
from service.settings import Settings, read_settings
from service.wiring import policies_of, sending_policy
from tests.unit.docs.pages import PAGES, blocks, name


def test_the_configuration_page_is_that_of_the_settings() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == configuration_page(), "run `make docs`"


def test_the_openapi_page_is_that_of_the_routes() -> None:
    assert (DOCS / "openapi.json").read_text(encoding="utf-8") == openapi_page(described_app()), "run `make docs`"


def test_the_schema_of_records_is_that_of_the_border() -> None:
    assert (DOCS / "feed-record.schema.json").read_text(encoding="utf-8") == schema_page(), "run `make docs`"


def test_the_schema_of_the_alerts_topic_is_that_of_its_messages() -> None:
    assert (DOCS / "alert-change.schema.json").read_text(encoding="utf-8") == change_schema_page(), "run `make docs`"


def test_the_schema_of_the_rule_file_is_that_of_the_language() -> None:
    assert (DOCS / "rules.schema.json").read_text(encoding="utf-8") == rules_schema_page(), "run `make docs`"


def test_every_setting_stands_on_the_page_with_its_variable() -> None:
    page = configuration_page()
    for setting in setting_names():
        assert f"`REACHPOINT_{setting.replace('.', '__').upper()}`" in page, setting


def test_every_setting_says_what_it_is() -> None:
    for section, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        for setting, each in (inner or {section: field}).items():
            assert len(each.description or "") > 20, f"{section}.{setting}"


def test_secrets_have_no_default_that_would_be_printed() -> None:
    assert all("(empty)" in line for line in configuration_page().splitlines() if "text, secret" in line)


CONFIGURATIONS = [(name(page), text) for page in PAGES for text in blocks(page, "toml")]


@pytest.mark.parametrize("text", [text for _, text in CONFIGURATIONS], ids=[page for page, _ in CONFIGURATIONS])
def test_every_configuration_shown_can_be_used(text: str, tmp_path: Path) -> None:
    """Secrets lie in files made here; other paths are left out, for they are the reader's own. The rest must make
    policies and senders."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 2)
    text = re.sub(r'(secret_file|password_file) = "[^"]*"', rf'\1 = "{secret}"', text)
    text = text.replace("API_KEY", f"live-{'0' * 73}")  # the shape of a GOV.UK Notify key; opens nothing
    lines = [
        line
        for line in text.splitlines()
        if "data_dir" not in line and "tls_" not in line and ("_file" not in line or str(secret) in line)
    ]
    file = tmp_path / "reachpoint.toml"
    file.write_text("\n".join(lines))
    settings = read_settings(file, data_dir=tmp_path / "data")
    policies_of(settings)
    AppriseSender(sending_policy(settings)).close()
