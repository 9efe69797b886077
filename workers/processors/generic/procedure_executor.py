"""Calls a stored procedure of the platform and publishes what it made into tables of the organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, le

from workers.model.arguments import ArgumentType, Value, argument_value
from workers.model.failure import Code, FailedError, Failure, Reason, Violation
from workers.model.resolve import Scalar
from workers.model.table import IDENTIFIER
from workers.model.window import DateWindow
from workers.ports import Publication, StepContext, StepResult
from workers.processors.days import tell_of_newer


def _is_identifier(_owner: object, attribute: Attribute[str], name: str) -> None:
    if name and not IDENTIFIER.match(name):
        raise ValueError(f"'{attribute.name}' must be letters, digits and underscores, not {name[:80]!r}")


@frozen
class ParameterConfig:
    """One argument: `value` (usually `${…}`), else `default`; without either it is null, or an error if `required`."""

    name: str = field(validator=_is_identifier)
    type: ArgumentType = "STRING"
    value: Scalar | None = None
    default: Scalar | None = None
    required: bool = True


@frozen
class PublishConfig:
    """A temporary table that the procedure makes (`made`) and the table its rows go to.

    They replace the days from argument `first` to argument `last`, all of the table where these are not named; where
    `scope` is, only rows that have these values.
    """

    made: str = field(validator=_is_identifier)
    table: str
    first: str = ""
    last: str = ""
    scope: Mapping[str, Scalar] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if bool(self.first) is not bool(self.last):
            raise ValueError("'first' and 'last' stand together or not at all")


@frozen
class ProcedureConfig:
    """`procedure` stands below configs/system/procedures; `told` is the temporary table that holds its answer.

    Without `publish` the answer is the procedure's last SELECT. Of the answer `most_rows` are kept with the step.
    """

    procedure: str = field(validator=_is_identifier)
    parameters: tuple[ParameterConfig, ...] = ()
    publish: tuple[PublishConfig, ...] = ()
    told: str = field(default="", validator=_is_identifier)
    most_rows: int = field(default=50, validator=and_(ge(0), le(1000)))

    def __attrs_post_init__(self) -> None:
        names = [one.name for one in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError("a parameter is named twice")
        if self.told and not self.publish:
            raise ValueError("'told' stands beside 'publish'; without it the last SELECT is the answer")
        for one in self.publish:
            if unknown := {one.first, one.last} - {"", *names}:
                raise ValueError(f"'publish' refers to {', '.join(sorted(unknown))}, which is no parameter")


class ProcedureExecutor:
    """Engine of `generic.procedure_executor`."""

    Config = ProcedureConfig

    async def execute(self, config: ProcedureConfig, ctx: StepContext) -> StepResult:
        """Call the procedure; everything it made is published in one transaction, or nothing."""
        arguments = _arguments(config, ctx.run_date)
        publications = [self._publication(one, arguments, ctx) for one in config.publish]
        for one in publications:
            await ctx.warehouse.ensure(one.table)
        called = await ctx.warehouse.call(config.procedure, arguments, publications, config.told)
        await tell_of_newer(ctx, called.written.superseded)
        output = {
            "procedure": config.procedure,
            "arguments": {name: _plain(value) for name, value in arguments.items()},
            "job_id": called.job_id,
            "result": [{name: _plain(value) for name, value in row.items()} for row in called.rows[: config.most_rows]],
            "result_rows": len(called.rows),
            "superseded_days": called.written.superseded,
            "bytes_billed": called.written.bytes_billed,
        }
        return StepResult(called.written.rows if publications else len(called.rows), 0, output)

    def _publication(self, config: PublishConfig, arguments: Mapping[str, Any], ctx: StepContext) -> Publication:
        table = ctx.schemas.table(config.table)
        window = _window(config, arguments)
        return Publication(config.made, table, window, config.scope, allow_shrink=ctx.force_refresh)


def _arguments(config: ProcedureConfig, run_date: date) -> dict[str, Value | None]:
    wrong: list[Violation] = []
    values = {one.name: _value(one, run_date, wrong) for one in config.parameters}
    if wrong:
        listed = "; ".join(f"{one.field} {one.description}" for one in wrong)
        raise _invalid(f"procedure {config.procedure} cannot be called: {listed}", tuple(wrong))
    return values


def _value(parameter: ParameterConfig, run_date: date, wrong: list[Violation]) -> Value | None:
    written = next((one for one in (parameter.value, parameter.default) if one not in (None, "")), None)
    if written is None:
        if parameter.required:
            wrong.append(Violation(parameter.name, "is required and has neither a value nor a default"))
        return None
    try:
        return argument_value(parameter.type, written, run_date)
    except ValueError as error:
        wrong.append(Violation(parameter.name, str(error)))
        return None


def _window(config: PublishConfig, arguments: Mapping[str, Any]) -> DateWindow | None:
    if not config.first:
        return None
    first, last = arguments[config.first], arguments[config.last]
    if not (type(first) is date and type(last) is date):
        raise _invalid(f"{config.first} and {config.last} must be days: they bound what {config.table} gets")
    if last < first:
        raise _invalid(f"{config.last} ({last}) is before {config.first} ({first})")
    return DateWindow(first, last)


def _invalid(message: str, violations: tuple[Violation, ...] = ()) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.PARAMETERS_INVALID, message, violations=violations))


def _plain(value: Any) -> Any:
    """Return a value of the warehouse as JSON has it; exact numbers are texts."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return f"{value:f}"
        case date() | datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return str(value)


def get_engine() -> ProcedureExecutor:
    """Return the engine of `generic.procedure_executor`."""
    return ProcedureExecutor()
