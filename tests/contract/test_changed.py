"""What `make check` runs for a change."""

from __future__ import annotations

import pytest
from changed import ALWAYS, concerned


@pytest.mark.parametrize(
    ("path", "test"),
    [
        (
            "db/functions/campaigns/cancel_campaign.sql",
            "concurrency/test_large_campaigns.py",
        ),
        ("db/functions/texts/_render.sql", "functions/texts/test_render.py"),
        # its own tests name it nowhere, but a public function reaches it
        ("db/functions/core/_edit_distance.sql", "functions/core/test_nearest.py"),
        ("db/views/replies.sql", "contract/test_views.py"),
        ("worker/dispatch.py", "worker/test_dispatch.py"),
        ("worker/files/importer.py", "cli/test_import.py"),
        ("tests/hostile_gateway.py", "security/test_hostile_gateway.py"),
        ("tests/cli/test_help.py", "cli/test_help.py"),
        ("README.md", "contract/test_docs.py"),
    ],
)
def test_the_tests_of_a_change_are_found(path: str, test: str) -> None:
    found = concerned([path])
    assert f"tests/{test}" in found
    assert found >= set(ALWAYS)


def test_a_change_concerns_few_others() -> None:
    assert len(concerned(["db/functions/campaigns/cancel_campaign.sql"])) < 50
    assert concerned(["CHANGELOG.md"]) < concerned(["CHANGELOG.md", "db/views/replies.sql"])


def test_what_every_test_stands_on_concerns_all() -> None:
    assert concerned(["db/migrations/versions/0001_foundation.py"]) == {"tests"}
