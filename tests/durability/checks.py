"""Checks, and what is printed about them."""

import traceback

MOST_PROBLEMS_SHOWN = 5


class Check:
    """One check, which looks at one or many cases. Used with `with`, an exception inside is a problem too."""

    def __init__(self, title):
        self.title = title
        self.cases = 0
        self.problems = []
        # Said before each problem: where it was found.
        self.where = ""

    def that(self, holds, problem):
        """One case. Returns whether it holds."""
        self.cases += 1
        if not holds:
            self.problems.append(self.where + problem)
        return holds

    def equal(self, found, expected, what):
        return self.that(found == expected, f"{what}: expected {expected!r:.300}, found {found!r:.300}")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or not isinstance(error, Exception):
            return False
        place = traceback.extract_tb(trace)[-1]
        self.problems.append(f"{self.where}{kind.__name__}: {error} ({place.name}, line {place.lineno})")
        return True


class Tally:
    """Counts checks and prints a line for each."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, check):
        """A check that is complete. One that looked at nothing has failed."""
        problems = check.problems or ([] if check.cases else ["there was nothing to look at"])
        cases = f" ({check.cases} cases)" if check.cases > 1 else ""
        print(f"{'FAIL' if problems else 'ok  '} {check.title}{cases}")
        for problem in problems[:MOST_PROBLEMS_SHOWN]:
            print("     " + problem.replace("\n", "\n     "))
        if len(problems) > MOST_PROBLEMS_SHOWN:
            print(f"     and {len(problems) - MOST_PROBLEMS_SHOWN} more")
        if problems:
            self.failed += 1
        else:
            self.passed += 1

    def check(self, title):
        """`with tally.check(title) as check:`, added at the end of the block."""
        return _Added(self, title)


class _Added(Check):
    def __init__(self, tally, title):
        super().__init__(title)
        self._tally = tally

    def __exit__(self, *error):
        handled = super().__exit__(*error)
        if handled or error[0] is None:
            self._tally.add(self)
        return handled
