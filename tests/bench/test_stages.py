"""Every stage can be measured with the product as it is."""

from pathlib import Path

from bench.stages import PARTS, SPARED, _timed


async def test_each_stage_runs(tmp_path: Path) -> None:
    """Each stage, a refusal and cold callers are called for real, and none asks the store that should not."""
    found = await _timed(tmp_path / "data", 1, 1)
    assert set(found) == {*PARTS, SPARED, "answer", "refused", "cold"}
    assert all(len(values) == 1 and values[0] > 0 for values in found.values())
