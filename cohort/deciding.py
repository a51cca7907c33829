"""From a score to MATCH, REVIEW or none, with the reason: vetoes, twins and siblings, alias, identifiers, thresholds.

Pure. The rules are domain.md 5.4 and 4.1, in the order in which they forbid. One pair at a time; what several members
mean for one mention (too close to call) is `matching.py`.
"""

from dataclasses import dataclass

from cohort.comparisons import (
    MISSING,
    compare_birth,
    compare_name,
    family_agrees,
    given_names_dissimilar,
    rests_on_one_word,
)
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity
from cohort.scoring import IDENTIFIERS, Score
from domain.matches import MatchDecision, MatchReason

Decision = tuple[MatchDecision, MatchReason]

_FULL_NAME = frozenset({"exact", "same_tokens", "part_of"})
_OWN_NAME = _FULL_NAME | {"close", "alias", "given_only"}
_CALLED_ALIKE = frozenset({"exact", "same_tokens"})
_BIRTH_AGREES = frozenset({"exact", "swapped", "one_edit", "two_edits"})
_NATIONAL = ("NHS number", "PNC id", "CRO number")
_BY_FINGERPRINT = ("PNC id", "CRO number", "local reference")
_BIRTH_AGAINST = frozenset({"same_day_month", "same_year", "within_5_years", "different"})
_NAME_AGAINST = frozenset({"family_shared", "different"})
_NAMES = ("name", "given names", "family name")
_WEAK = frozenset({*_NAMES, "date of birth", "sex"})


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention and a member with their score; `gone` marks a member who is known to have died."""

    mention: PreparedIdentity
    member: PreparedIdentity
    score: Score
    gone: bool = False


def decide(pair: Pair, policy: MatchPolicy, *, members: int) -> Decision:
    """What may be done with one pair in a cohort of `members`. A veto always wins."""
    levels = {name: level for name, level, _ in pair.score.lines}
    veto = _veto(pair, levels)
    if veto is not None:
        return MatchDecision.NONE, veto
    bits = pair.score.evidence_bits - policy.scale_bits(members)
    identifier = any(name in levels and levels[name].startswith("same") for name in IDENTIFIERS)
    if not identifier and bits < policy.review_bits and bits < policy.match_bits:
        return MatchDecision.NONE, MatchReason.TOO_LIGHT
    _complete(levels, pair)
    hold = _hold(pair, levels, identifier=identifier)
    if bits >= policy.review_bits and hold is not None:
        return MatchDecision.REVIEW, hold
    if _decides_alone(pair, levels):
        return MatchDecision.MATCH, MatchReason.IDENTIFIER
    if bits >= policy.match_bits:
        return MatchDecision.MATCH, MatchReason.WEIGHT
    if bits >= policy.review_bits:
        return MatchDecision.REVIEW, MatchReason.IDENTIFIER if identifier else MatchReason.DOUBTFUL
    if identifier and not _contradicted(pair.score, levels):
        return MatchDecision.REVIEW, hold or MatchReason.IDENTIFIER
    return MatchDecision.NONE, MatchReason.TOO_LIGHT


def _complete(levels: dict[str, str], pair: Pair) -> None:
    """Puts in name and date of birth as the rules know them, whatever the model compares."""
    if "name" not in levels:
        levels["name"] = compare_name(pair.mention, pair.member)
    if "date of birth" not in levels:
        levels["date of birth"] = compare_birth(pair.mention, pair.member)


def _veto(pair: Pair, levels: dict[str, str]) -> MatchReason | None:
    """What forbids any use of the pair."""
    if pair.mention.unknown or pair.member.unknown:
        return MatchReason.VETO_UNKNOWN
    if pair.gone or pair.mention.deceased or pair.member.deceased:
        return MatchReason.VETO_DECEASED
    if levels.get("NHS number") == "different_verified":
        return MatchReason.VETO_NHS
    if levels.get("PNC id") == "different" and levels.get("CRO number") == "different":
        return MatchReason.VETO_PNC_CRO
    return None


def _hold(pair: Pair, levels: dict[str, str], *, identifier: bool) -> MatchReason | None:
    """What forbids MATCH, but leaves the pair to a human if it is heavy enough."""
    full = levels.get("name") in _FULL_NAME
    if levels.get("sex") == "different" and not (full and _anything_else_agrees(pair.score)) and not identifier:
        return MatchReason.VETO_SEX  # of twins every third pair are brother and sister, who share all the rest
    if not identifier and not full and any(levels.get(name, "").startswith("different") for name in _NATIONAL):
        return MatchReason.TWIN  # another person's number, and no full name that speaks against it
    if _maybe_twin(pair, levels, identifier=identifier):
        return MatchReason.TWIN
    if not identifier and (pair.member.names or pair.member.births) and _maybe_sibling(levels):
        return MatchReason.SIBLING
    if not identifier and levels.get("date of birth") in _BIRTH_AGAINST:
        return MatchReason.DOUBTFUL  # father and son: one name, one home, two dates of birth
    if levels.get("name") == "alias" and not _more_than_alias(pair):
        return MatchReason.ALIAS_ONLY
    return None


def _anything_else_agrees(score: Score) -> bool:
    return any(bits > 0.0 and name not in _WEAK for name, _, bits in score.lines)


def _more_than_alias(pair: Pair) -> bool:
    """Something else has to agree; beside a street name of one word something other than the date of birth."""
    weak = _WEAK if rests_on_one_word(pair.mention, pair.member) else (*_NAMES, "sex")
    return any(bits > 0.0 and name not in weak for name, _, bits in pair.score.lines)


def _maybe_twin(pair: Pair, levels: dict[str, str], *, identifier: bool) -> bool:
    """Same surname and date of birth, but nothing that shows one given name, and no identifier that agrees.

    The rule names a shared postcode too; a twin who moved out, or whose postcode was not asked, is no less a twin.
    A person known to be one of several (PID-24) needs both a name that agrees in full and an agreeing identifier, as
    domain.md 5.4 says: to take one twin for the other tells a navigator about the wrong life, and a REVIEW rings the
    duty contact at once, so that the right one is late by minutes, not missed.
    """
    if pair.mention.multiple_birth or pair.member.multiple_birth:
        return not identifier or levels.get("name") not in _FULL_NAME
    return (
        not identifier
        and levels.get("date of birth") == "exact"
        and levels.get("name") not in _CALLED_ALIKE
        and family_agrees(pair.mention, pair.member)
        and given_names_dissimilar(pair.mention, pair.member)
    )


def _maybe_sibling(levels: dict[str, str]) -> bool:
    """Only the home agrees (surname, postcode, address, phone): it may be a brother as well as the person.

    A name that was said has to agree by itself, whatever the date of birth: a twin shares the date and the home. Where
    none was said, date and home are all that is asked.
    """
    birth = levels.get("date of birth", MISSING)
    name = levels.get("name", MISSING)
    if name == MISSING and birth in _BIRTH_AGREES:
        return False
    if birth == MISSING:
        return name not in _FULL_NAME | {"alias"}  # Hodan and Hosan: one name misspelt, or as likely two sisters
    return name not in (_FULL_NAME if birth in _BIRTH_AGAINST else _OWN_NAME)


def _decides_alone(pair: Pair, levels: dict[str, str]) -> bool:
    """An NHS number decides only if both sides were traced and date of birth or surname agrees (domain.md 4.1)."""
    return levels.get("NHS number") == "same_verified" and (
        levels.get("date of birth") == "exact" or family_agrees(pair.mention, pair.member)
    )


def _contradicted(score: Score, levels: dict[str, str]) -> bool:
    """Name and date of birth both speak against: the identifier is somebody else's, or mistyped.

    Not so a number of the police: it rests on fingerprints, while a name and a date given at the desk may be invented.
    """
    if any(score.level(name) == "same" for name in _BY_FINGERPRINT):
        return False
    return levels.get("name") in _NAME_AGAINST and levels.get("date of birth") in _BIRTH_AGAINST
