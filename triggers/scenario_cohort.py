"""The cohort lines of a rule test, in the words of the CSV (design.md section 7)."""

from collections.abc import Mapping
from typing import Any

from domain.identity import DateOfBirth, Identity, Name
from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus, WatchAuthority
from triggers.reading import Path
from triggers.scenario_reader import Reader, several

COHORT_FIELDS = (
    "member_id", "status", "given_names", "family_name", "aliases", "date_of_birth", "sex", "nhs_number", "pnc_id",
    "cro", "nominal_ids", "addresses", "postcodes", "phones", "emails", "programme", "area", "force_area",
    "navigator_id", "household_id", "associates", "watch_reason", "lawful_basis", "authorised_by", "starts",
    "review_on", "ends", "allowed_feeds", "individual_engagement", "household_engagement",
)  # fmt: skip


def read_member(reader: Reader, written: Mapping[str, Any], path: Path) -> CohortMember:
    """A cohort line. Whose authority names no start is watched from the start of the test."""
    line = reader.known(written, COHORT_FIELDS, path)
    reader.needs(line, ("member_id",), "a cohort line", path)
    household, navigator = line.get("household_id"), line.get("navigator_id")
    return CohortMember(
        member_id=MemberId(str(line.get("member_id", ""))),
        status=reader.word(MemberStatus, line.get("status", "at_risk"), (*path, "status")) or MemberStatus.AT_RISK,
        identity=_identity(reader, line, path),
        programme=str(line.get("programme", "")),
        area=str(line.get("area", "")),
        force_area=str(line.get("force_area", "")),
        individual_engagement=str(line.get("individual_engagement", "")),
        household_engagement=str(line.get("household_engagement", "")),
        household_id=HouseholdId(str(household)) if household else None,
        associates=tuple(MemberId(one) for one in several(line.get("associates"))),
        navigator_id=NavigatorId(str(navigator)) if navigator else None,
        watch=_watch(reader, line, path),
        allowed_feeds=_feeds(reader, line, path),
        joined_at=reader.start,
    )


def _identity(reader: Reader, line: Mapping[str, Any], path: Path) -> Identity:
    born = line.get("date_of_birth")
    return Identity(
        names=(Name(tuple(several(line.get("given_names"))), str(line.get("family_name", ""))),),
        dates_of_birth=(DateOfBirth(reader.day(born, (*path, "date_of_birth"))),) if born else (),
    )


def _watch(reader: Reader, line: Mapping[str, Any], path: Path) -> WatchAuthority:
    named = [name for name in ("starts", "review_on", "ends") if line.get(name)]
    days = {name: reader.day(line[name], (*path, name)) for name in named}
    return WatchAuthority(
        reason=str(line.get("watch_reason", "")),
        lawful_basis=str(line.get("lawful_basis", "")),
        authorised_by=str(line.get("authorised_by", "")),
        starts=days.get("starts"),
        review_on=days.get("review_on"),
        ends=days.get("ends"),
    )


def _feeds(reader: Reader, line: Mapping[str, Any], path: Path) -> tuple[Feed, ...]:
    """Those that the member's authority allows: all of them where it names none."""
    named = [reader.word(Feed, feed, (*path, "allowed_feeds")) for feed in several(line.get("allowed_feeds"))]
    return tuple(feed for feed in named if feed is not None) or tuple(Feed)
