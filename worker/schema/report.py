"""What a migration did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MigrationReport:
    """What a migration did. Names are `drip.x`, functions with their argument types.

    `rights` counts those that were missing on schemas and tables, or open to everybody.
    """

    revisions: tuple[str, ...]
    created: tuple[str, ...]
    rebuilt: tuple[str, ...]
    dropped: tuple[str, ...]
    unchanged: int
    rights: int
    seconds: float
    notes: tuple[str, ...] = ()
    """Sentences about what was done besides, or is left to an administrator."""

    @property
    def changed(self) -> bool:
        """False when the database was at this version already."""
        return bool(self.revisions or self.created or self.rebuilt or self.dropped or self.rights)

    def summary(self) -> str:
        """One sentence for people, and a line for each note."""
        return "\n".join([self._sentence(), *self.notes])

    def _sentence(self) -> str:
        if not (self.revisions or self.created or self.rebuilt or self.dropped):
            if self.rights:
                return f"{self.rights} rights were missing or open to everybody: put right."
            return f"Nothing to do: {self.unchanged} functions, views and policies are up to date."
        return (
            f"Revisions applied: {', '.join(self.revisions) or 'none'}; functions, views and"
            f" policies: {len(self.created)} created, {len(self.rebuilt)} rebuilt,"
            f" {len(self.dropped)} dropped, {self.unchanged} unchanged; {self.seconds:.2f} s."
        )
