"""Generates what is derived from proto/: Python code, Envoy's descriptor set, the OpenAPI document, the baseline.

`python -m tools.protos` writes, `--check` compares with what is committed, `--release` moves the baseline.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import status_pb2

from tools.openapi import openapi

ROOT = Path(__file__).parent.parent
PROTO = ROOT / "proto"
GENERATED = PROTO / "gen"
DESCRIPTORS = Path("descriptors.binpb")
OPENAPI = Path("openapi.json")
BASELINE = PROTO / "baseline.binpb"
BUF = Path(sys.executable).parent / "buf"


def generate(into: Path) -> None:
    """Write the generated tree; every error detail type must stand in the descriptor set or Envoy prints no body."""
    package = into / "datapipeline" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "datapipeline").rglob("*.proto"))
    site_packages = Path(status_pb2.__file__).parents[2]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{site_packages}"]
    subprocess.run(
        [*protoc, f"--python_out={into}", f"--pyi_out={into}", f"--grpc_python_out={into}", *sources], check=True
    )
    details = ["google/rpc/error_details.proto", "google/rpc/status.proto"]
    output = f"--descriptor_set_out={into / DESCRIPTORS}"
    subprocess.run([*protoc, output, "--include_imports", "--include_source_info", *sources, *details], check=True)
    described = FileDescriptorSet.FromString((into / DESCRIPTORS).read_bytes())
    (into / OPENAPI).write_text(openapi(described))


def differences(fresh: Path, committed: Path) -> list[str]:
    """Relative paths that differ between two generated trees."""
    names = {
        str(path.relative_to(tree))
        for tree in (fresh, committed)
        for path in tree.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(name for name in names if not _same(fresh / name, committed / name))


def _same(left: Path, right: Path) -> bool:
    return left.is_file() and right.is_file() and filecmp.cmp(left, right, shallow=False)


def check() -> int:
    """Exit status 0 when generated code matches, lint passes and nothing breaks the baseline."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        drift = differences(Path(folder), GENERATED)
    for name in drift:
        print(f"proto/gen/{name} differs from what proto/ generates: run make proto", file=sys.stderr)
    for command in (["lint"], ["format", "--diff", "--exit-code"], ["breaking", "--against", str(BASELINE)]):
        if subprocess.run([BUF, *command], cwd=ROOT, check=False).returncode:
            return 1
    return 1 if drift else 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--release", action="store_true", help="accept today's contract as the baseline")
    options = parser.parse_args()
    if options.check:
        return check()
    shutil.rmtree(GENERATED, ignore_errors=True)
    generate(GENERATED)
    if options.release or not BASELINE.exists():
        subprocess.run([BUF, "build", "-o", str(BASELINE)], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
