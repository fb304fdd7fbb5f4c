# SPDX-License-Identifier: Apache-2.0
"""Whether what clients were answered, what the audit log says and what is left in the vaults are one and the same
history.

The audit log claims an order of the changes. Played back in that order they must lead from state to state as
documented, each change within the time of its request, and to what is there at the end; and every answer, a refusal or
a list as well, must be true of a state that the name was in while the request was under way. What was never answered
may have happened or not."""

import bisect
import collections
import heapq
import itertools

AUDIT = {
    "create": "KeyCreate", "rotate": "KeyRotate", "delete": "KeyDelete", "recover": "KeyRecover", "purge": "KeyPurge",
    "get": "KeyGet", "get-deleted": "KeyGetDeleted", "versions": "KeyListVersions", "list": "KeyList",
    "get-version": "KeyGet", "sign": "KeySign", "verify": "KeyVerify",
}
CHANGES = ("create", "rotate", "delete", "recover", "purge")
# What is asked of a name's state as a whole.
READS = ("get", "get-deleted", "versions")
# No answer of the vault's: what it depends on was not there.
UNAVAILABLE = 503
PAGE = 25
CLOCK_SLACK_NS = 1_000_000_000

# Of an audit record: its columns, and the document in it.
Record = collections.namedtuple("Record", "row id time_ns vault operation status document")
# What the vault has of a name at the end: "live" or "absent", the current version, all versions in the order listed.
Left = collections.namedtuple("Left", "kind current versions")


class Request:
    """One request as its client saw it. Times are nanoseconds; status is None where no answer came."""

    def __init__(self, op, vault, name, id_, asked):
        self.op, self.vault, self.name, self.id, self.asked = op, vault, name, id_, asked
        self.ended = self.status = None
        self.version = None  # that the answer is about
        self.key = None      # the public key that a create or rotate answered
        self.page = None     # versions or names of a list's first page

    def __repr__(self):
        return (f"{self.op} {self.vault}/{self.name} {self.id} [{self.asked}..{self.ended}] -> {self.status} "
                f"{self.version or ''}")


class State:
    """What a name is at a time: absent, live or deleted, with the first `count` of the versions made since a purge."""

    def __init__(self, kind="absent", made=(), count=0):
        self.kind, self.made, self.count = kind, made, count

    @property
    def current(self):
        return self.made[self.count - 1] if self.count else None

    @property
    def versions(self):
        return self.made[:self.count]

    def after(self, op, version):
        if op in ("create", "rotate"):
            made = self.made if self.count else []
            made.append(version)
            return State("live", made, self.count + 1)
        if op == "purge":
            return State()
        return State("deleted" if op == "delete" else "live", self.made, self.count)


def documented_status(op, kind, protected):
    if op == "create":
        return 409 if kind == "deleted" else 200
    if op == "purge":
        return 404 if kind != "deleted" else 403 if protected else 204
    wanted = "deleted" if op in ("recover", "get-deleted") else "live"
    return 200 if kind == wanted else 404


def true_of(request, state, protected):
    """Whether the answer is right for a name that is in this state."""
    if documented_status(request.op, state.kind, protected) != request.status:
        return False
    if request.op == "versions" and request.status == 200:
        return request.page is None or request.page == heapq.nsmallest(PAGE, state.versions)
    if request.op in ("get", "get-deleted") and request.status == 200:
        return request.version == state.current
    return True


class NameHistory:
    """The changes of one name in the order of the audit log, and the states between them."""

    def __init__(self, changes):
        self.changes = changes
        self.states = [State()]
        # Which changes may stand before or after a moment; both grow.
        self.first_end = list(itertools.accumulate((r.ended for r in reversed(changes)), min))[::-1]
        self.last_asked = list(itertools.accumulate((r.asked for r in changes), max))

    def play(self, protected):
        for change in self.changes:
            before = self.states[-1]
            if documented_status(change.op, before.kind, protected) not in (200, 204):
                yield f"{change} succeeded on a name that is {before.kind}"
            self.states.append(before.after(change.op, change.version))

    def window(self, request):
        """The states that the name can have been in while the request was under way."""
        lowest = bisect.bisect_left(self.first_end, request.asked)
        highest = bisect.bisect_right(self.last_asked, request.ended)
        return self.states[lowest:highest + 1]


class History:
    def __init__(self, requests, records, left, stored, protected):
        """`left`: (vault, name) -> Left. `stored`: all (vault, name, version). `protected`: vaults without purge."""
        self.requests, self.records, self.left, self.stored = requests, records, left, stored
        self.protected = protected

    def violations(self):
        self.by_id = {r.id: r for r in self.requests}
        self.recorded = collections.defaultdict(list)
        for record in self.records:
            self.recorded[record.document.get("correlationId")].append(record)
        self.changes = list(self.changes_in_order())
        self.names = {at: NameHistory([r for r in self.changes if (r.vault, r.name) == at]) for at in self.left}
        for check in (self.audit_complete, self.audit_order, self.played_back, self.answers, self.lists, self.outcome,
                      self.acknowledged, self.unique, self.store):
            yield from (f"{check.__name__}: {what}" for what in check())

    def changes_in_order(self):
        for record in self.records:
            request = self.by_id.get(record.document.get("correlationId"))
            if request is not None and request.op in CHANGES and record.status in (200, 204):
                request.version = request.version or object_version(record)
                yield request

    # The audit log

    def audit_complete(self):
        for record in self.records:
            request = self.by_id.get(record.document.get("correlationId"))
            if request is None and record.operation == "VaultPut":
                continue  # the making of the vaults, by the control plane
            if request is None:
                yield f"nobody made the request of {record}"
                continue
            yield from (f"{what}: {record} of {request}" for what in record_faults(record, request))
        for request in self.requests:
            count = len(self.recorded[request.id])
            if count > 1 or (count == 0 and request.status is not None):
                yield f"{count} records of {request}"

    def audit_order(self):
        changes = [r for r in self.records if r.status in (200, 204) and r.operation in map(AUDIT.get, CHANGES)]
        for one, next_ in itertools.pairwise(changes):
            if not (one.row < next_.row and one.id < next_.id and one.time_ns <= next_.time_ns):
                yield f"changes out of order: {one} before {next_}"
        # What was answered before another request was made stands before it in the log.
        done = [(r, self.recorded[r.id][0]) for r in self.requests if len(self.recorded[r.id]) == 1]
        by_end = sorted(done, key=lambda pair: pair[0].ended)
        seen, last_row, last_time = 0, None, None
        for request, record in sorted(done, key=lambda pair: pair[0].asked):
            while by_end[seen][0].ended < request.asked:
                ended = by_end[seen][1]
                last_row = max(last_row or ended, ended, key=lambda r: r.row)
                last_time = max(last_time or ended, ended, key=lambda r: r.time_ns)
                seen += 1
            if last_row and (last_row.row >= record.row or last_time.time_ns > record.time_ns):
                yield f"recorded before {last_row} or {last_time}, which ended earlier: {record} of {request}"

    # The changes

    def played_back(self):
        for (vault, _), name in self.names.items():
            yield from name.play(vault in self.protected)

    def answers(self):
        for request in self.requests:
            if request.op not in CHANGES + READS or request.status in (None, UNAVAILABLE):
                continue
            if request.op in CHANGES and request.status in (200, 204):
                continue  # one of the history itself
            window = self.names[request.vault, request.name].window(request)
            if not any(true_of(request, state, request.vault in self.protected) for state in window):
                yield f"{request} {request.page or ''} is true of no state then: {[(s.kind, s.count) for s in window]}"

    def lists(self):
        for request in self.requests:
            if request.op != "list" or request.status is None:
                continue
            for (vault, name), history in self.names.items():
                kinds = {state.kind for state in history.window(request)}
                listed = vault == request.vault and name in request.page
                if vault == request.vault and (listed and "live" not in kinds or not listed and kinds == {"live"}):
                    yield f"{request} {'has' if listed else 'lacks'} {name}, which was {kinds}"

    def outcome(self):
        for at, left in self.left.items():
            last = self.names[at].states[-1]
            if last.kind != left.kind or sorted(last.versions) != left.versions:
                lost, more = set(last.versions) - set(left.versions), set(left.versions) - set(last.versions)
                yield f"{at} should be {last.kind} and is {left.kind}; versions lost: {lost}; that nobody made: {more}"
            elif left.kind == "live" and left.current != last.current:
                yield f"{at}: current is {left.current}, and should be {last.current}"

    # The same without any trust in the audit log

    def acknowledged(self):
        made = [r for r in self.requests if r.op in ("create", "rotate")]
        for r in made:
            left = self.left[r.vault, r.name]
            if r.status == 200 and r.version not in left.versions and not self.purged_after(r):
                yield f"lost: {r}"
            if left.current and left.current == r.version:
                yield from (f"{at} is current although {later} was asked for after it" for at, later in
                            self.later_made(r, made))
        known = {r.version for r in made}
        for at, left in self.left.items():
            yield from (f"{at}: nobody made version {version}" for version in left.versions if version not in known)

    def purged_after(self, made):
        return any(r.op == "purge" and (r.vault, r.name) == (made.vault, made.name) and r.status in (None, 204) and
                   r.ended > made.asked for r in self.requests)

    def later_made(self, current, made):
        return [((r.vault, r.name), r) for r in made if r.status == 200 and r.asked > current.ended and
                (r.vault, r.name) == (current.vault, current.name)]

    def unique(self):
        counts = collections.Counter(r.version for r in self.requests if r.op in ("create", "rotate") and r.version)
        counts.update(itertools.chain.from_iterable(set(left.versions) for left in self.left.values()))
        for version, count in counts.items():
            if count > 2:
                yield f"version {version} was made {count} times"
        for at, left in self.left.items():
            if len(set(left.versions)) != len(left.versions):
                yield f"{at} lists a version twice: {left.versions}"

    def store(self):
        listed = sorted((*at, version) for at, left in self.left.items() for version in left.versions)
        if listed != sorted(self.stored):
            yield f"only listed: {set(listed) - set(self.stored)}; only stored: {set(self.stored) - set(listed)}"


def object_version(record):
    """The version that a record is about, or None."""
    parts = record.document["properties"]["id"].split("/")
    return parts[5] if len(parts) > 5 else None


def record_faults(record, request):
    properties = record.document.get("properties", {})
    if record.operation != AUDIT[request.op] or record.document.get("operationName") != record.operation:
        yield "another operation"
    if request.status not in (None, record.status) or properties.get("httpStatusCode") != record.status:
        yield "another status"
    if record.vault != request.vault or f"/{request.vault.upper()}" not in record.document.get("resourceId", ""):
        yield "another vault"
    if request.name and properties.get("id", "").split("/")[4:5] != [request.name]:
        yield "another key"
    if request.version and record.status in (200, 204) and object_version(record) != request.version:
        yield "another version"
    if not request.asked - CLOCK_SLACK_NS <= record.time_ns <= request.ended + CLOCK_SLACK_NS:
        yield "another time"
