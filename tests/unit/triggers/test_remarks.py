"""What looks like a slip in a sound rule is remarked on, with rule, path and line, and hinders nothing."""

from triggers.faults import Fault, Remark


def test_a_remark_says_where_it_is_as_a_fault_does() -> None:
    remark = Remark("ED_ASSAULT", ("then", "headline"), 12, "says a year")
    assert str(remark) == "line 12, ED_ASSAULT, then.headline: says a year"
    assert str(remark) == str(Fault("ED_ASSAULT", ("then", "headline"), 12, "says a year"))
