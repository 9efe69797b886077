"""`make bench`: starts the stack, measures it from outside, prints a table. `ONLY=name` measures one part."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tests.bench import claims, dispatch, dispatch_together, rows, spooled
from tests.bench.compiled import built
from tests.bench.figures import Figures

Part = Callable[[Figures, argparse.Namespace], Awaitable[None]]
PARTS: Mapping[str, Part] = {
    "accept": dispatch.accepting,
    "nothing": dispatch.nothing,
    "replicas": dispatch_together.replicas,
    "quiet": dispatch_together.quiet,
    "claim": claims.claiming,
    "idle": claims.idling,
    "spool": spooled.spooling,
    "usage": rows.usage,
    "extract": rows.extracting,
    "billing": rows.billing,
}


async def measure(options: argparse.Namespace) -> None:
    """Measure the parts that were asked for in one go."""
    figures = Figures()
    with built() as options.tool:
        for name in options.only or PARTS:
            await PARTS[name](figures, options)
    figures.show()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"parts to measure: {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--scale", type=int, default=200, help="rows of the simulator, times this")
    parser.add_argument("--rows", type=int, default=200_000, help="rows for the generic extractor")
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 10, 100], help="of 10,000 rows each, to spool")
    parser.add_argument("--exported", type=int, default=100_000, help="rows of the billing export")
    parser.add_argument("--days", type=int, default=14)
    options = parser.parse_args()
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asyncio.run(measure(options))


if __name__ == "__main__":
    main()
