"""What a call of a stored procedure says, from the procedure as it stands and the arguments it is given. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.cloud.bigquery import ScalarQueryParameter

from workers.adapters.bigquery.names import quoted
from workers.adapters.bigquery.parameters import type_name
from workers.adapters.bigquery.promotion import Making
from workers.adapters.bigquery.rendering import fill
from workers.model.failure import Code, Reason, refused
from workers.model.routine import Argument, Routine
from workers.ports import Row

DATASET = "p_dataset"  # given by the warehouse, so that no caller can name another organisation's


def calling(
    clauses: Mapping[str, str], central: str, dataset: str, routine: Routine, arguments: Row, told: str = ""
) -> Making:
    """Return the CALL with its parameters; `central` is the quoted name of the procedure's dataset.

    Raises FailedError(CONFIG_INVALID) naming what the procedure needs, does not take, or takes in another type.
    """
    wanted = {argument.name for argument in routine.arguments}
    given = {**arguments, **({DATASET: dataset} if DATASET in wanted else {})}
    wrong = [
        *(f"{DATASET} is not to be given" for _ in {DATASET} & arguments.keys()),
        *(f"{name} is missing" for name in sorted(wanted - given.keys())),
        *(f"{name} is not taken" for name in sorted(arguments.keys() - wanted)),
        *(fault for one in routine.arguments if one.name in given if (fault := _misfit(one, given[one.name]))),
    ]
    if wrong:
        message = f"procedure {routine.name} cannot be called: {', '.join(wrong)}"
        raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)
    parameters = tuple(ScalarQueryParameter(one.name, one.type, given[one.name]) for one in routine.arguments)
    sql = fill(
        clauses["call"],
        procedure=f"{central}.{quoted(routine.name)}",
        arguments=", ".join(f"@{one.name}" for one in routine.arguments),
    )
    return Making(sql, parameters, fill(clauses["told"], made=quoted(told)) if told else "")


def _misfit(argument: Argument, value: Any) -> str:
    found = type_name(value)
    return "" if value is None or found == argument.type else f"{argument.name} is {found} and not {argument.type}"
