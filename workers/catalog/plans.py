"""Plans, configs/system/plans.yml: what an organisation may do where its subscription does not say."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le

from workers.catalog.documents import Document
from workers.catalog.problems import Findings
from workers.catalog.structure import read_as
from workers.model.lane import LaneClasses


@frozen
class Plan:
    """Runs a UTC day, a UTC month and at once, and the weight beside other organisations."""

    daily_limit: int = field(validator=ge(0))
    monthly_limit: int = field(validator=ge(0))
    concurrent_limit: int = field(validator=ge(1))
    weight: float = field(default=1.0, validator=and_(gt(0), le(1000)))


@frozen
class PlansFile:
    """configs/system/plans.yml; `default` is the plan of a name that is not listed."""

    default: str
    plans: Mapping[str, Plan]


class Plans:
    """Finds plans by name; `lanes` are the plans as classes of lanes, by their weight."""

    def __init__(self, declared: PlansFile) -> None:
        self._plans = declared.plans
        self._default = declared.plans[declared.default]
        self.lanes = LaneClasses(tuple((plan.weight, name.lower()) for name, plan in declared.plans.items()))

    def find(self, name: str) -> Plan:
        """Return the plan of that name, else the default one."""
        return self._plans.get(name.upper(), self._default)


def read_plans(document: Document | None, findings: Findings) -> Plans | None:
    """Make the plans; None when the file cannot be used, and then `findings` says why."""
    declared = read_as(document, PlansFile, findings) if document else None
    if document is None or declared is None:
        return None
    if declared.default not in declared.plans:
        findings.problems.append(document.problem(f"there is no plan {declared.default!r}", "default"))
        return None
    return Plans(declared)
