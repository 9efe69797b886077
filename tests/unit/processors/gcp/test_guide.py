from __future__ import annotations

import re
from pathlib import Path

from attrs import fields

from tests.unit.processors.gcp.conftest import Bench, page
from workers.processors.gcp.declared import ApiDeclared

GUIDE = Path("docs/GCP_API_EXTRACTOR.md").read_text()
CHECKED = re.compile(r"<!-- checked: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
PATH = "/compute/v1/projects/acme-prod/aggregated/disks"
DISK = {"id": "7", "type": "https://x/zones/a/diskTypes/pd-ssd", "sizeGb": "100", "users": ["vm"]}


async def test_the_guides_pipeline_runs_as_it_is_written(bench: Bench) -> None:
    for path, text in CHECKED.findall(GUIDE):
        bench.write(path, text)
    bench.provider.script(PATH, page(items={"zones/a": {"disks": [DISK]}, "zones/b": {"disks": [{"id": "8"}]}}))
    await bench.run("gcp/api/disks")
    assert bench.columns("scope", "disk_id", "disk_type", "size_gb", "is_attached", "source") == [
        ("zones/a", "7", "pd-ssd", 100, True, "compute"),
        ("zones/b", "8", None, None, False, "compute"),
    ]


def test_the_guide_names_every_key_of_a_step() -> None:
    table = GUIDE[GUIDE.index("| key |") : GUIDE.index("Beside JMESPath")]
    assert not [one.name for one in fields(ApiDeclared) if f"`{one.name}`" not in table]
