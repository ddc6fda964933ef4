"""The package as users install it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import hospital
from crossfade import v1alpha1

CLIENT = Path(__file__).parent.parent


def test_the_wheel_has_the_client_its_types_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, str(tmp_path), str(CLIENT)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = CLIENT / "src"
    assert names == {str(file.relative_to(source)) for file in source.rglob("*.py*") if file.suffix in {".py", ".pyi"}} | {
        "crossfade/py.typed"
    }
    assert "crossfade/v1alpha1/migrations_pb2_grpc.pyi" in names


def test_every_generated_module_can_be_loaded() -> None:
    generated = [
        module.name
        for package in (v1alpha1, hospital)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    assert {"crossfade.v1alpha1.migrations_pb2_grpc", "hospital.v1.encounters_pb2_grpc"} <= set(generated)
    for name in generated:
        importlib.import_module(name)
