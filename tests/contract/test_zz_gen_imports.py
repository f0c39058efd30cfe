import asyncio, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, "/work/im-i/tests/contract")
from test_generated_calls import CHECKS

async def test_imports(running, company, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
        "run", f"{running}/openapi.json", "-H", f"Authorization: Bearer {company.key}",
        "--include-path-regex", "imports|batch", "--phases", "examples,coverage,fuzzing", "--mode", "all", "-n", "10", "--seed", "1",
        "--checks", ",".join(CHECKS), "--workers", "1", "--no-shrink", "--warnings", "off", "--no-color"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONHASHSEED": "0"}
    ran = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False)
    print(ran.stdout[-6000:]); print(ran.stderr[-2000:])
    assert ran.returncode == 0
