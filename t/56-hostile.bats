#!/usr/bin/env bats
# svc-proxy and requests that are made to be misread (t/hostile.py): what
# arrives at an instance is what a strict reader of RFC 9112 reads, or nothing.

load helper

hostile() {
	scenario <<-END
	PIECE = $1
	$(cat)
	END
}

differ() {
	hostile "$1" <<-'END'
	from hostile import *
	class Source:
	    """An instance's reader: of a connection, and what it read."""
	    def __init__(self, conn):
	        self.conn = conn
	    def upto(self, mark):
	        data = self.conn.upto(mark)
	        if not data:
	            raise ConnectionError   # what was begun is no request
	        return data
	    def take(self, n):
	        return self.conn.take(n)
	arrived = []
	def instance(conn):
	    while True:
	        start = conn.at
	        try:
	            r = read_one(Source(conn))
	        except Bad:
	            if conn.got[start:]:
	                arrived.append(conn.got[start:])
	            return
	        arrived.append(r)
	        conn.send(ok(b"" if r.method == b"HEAD" else b"fine"))
	p, s = ready(instance)
	# what a prefix is cut off of; the others have no service
	def for_a(r):
	    m = re.fullmatch(rb"/a(/.*|\?.*|)", r.path)
	    return m and r._replace(path=m[1] if m[1][:1] == b"/" else
	                            b"/" + m[1], close=None)
	def send(data, whole):
	    c = p.client()
	    try:
	        c.send(data, PIECE and max(PIECE, len(data) // 400))
	        if not whole:
	            c.end()
	        c.to_end()
	        reset = False
	    except ConnectionError:
	        reset = True        # an answer may be lost over it
	    c.close()
	    return c.got, reset
	def statuses(got):
	    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d+) ", got)]
	marker = request("GET /a/marker HTTP/1.1", "Connection: close")
	count = forwarded = 0
	misread, refused = [], []
	for name, data in corpus():
	    count += 1
	    found, whole = read_all(data + marker)
	    want = [r for r in map(for_a, found) if r]
	    del arrived[:]
	    got, reset = send(data + marker, whole and found[-1].close)
	    until("it is at rest", p.at_rest)
	    seen = [r._replace(close=None, fields=[
	        f for f in r.fields if f != (b"host", b"berth")])
	        if isinstance(r, Request) else r for r in arrived]
	    codes = statuses(got)
	    if seen != want[:len(seen)]:
	        misread.append("%s: %r\nwant %r\n got %r\n" % (
	            name, data[:300], want, seen))
	        continue
	    # all that is sound arrives, or its refusal is said and ends it
	    if len(seen) < len(want):
	        assert codes[-1] >= 400 if codes else reset, (name, got[:200])
	        refused.append(name)
	    else:
	        forwarded += 1
	    if not whole:
	        assert not codes or codes[-1] >= 400, (name, got[:200])
	assert not misread, "".join(misread)
	assert count >= 200, count
	# sound, and refused: what goes beyond our limits, and no more
	limits = {"X" * 33 + " /a/x HTTP/1.1", "long target", "101 fields"}
	same(6, len(refused))
	same(limits, limits & set(refused))
	END
}

@test "hostile: what arrives is what was sent, or nothing" {
	differ None
}

@test "hostile: the same byte by byte" {
	differ 1
}
