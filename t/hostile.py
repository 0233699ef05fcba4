"""hostile.py - requests that are made to be misread, and a strict reader.

read_all(bytes) says which requests a stream of bytes holds by the letter of RFC
9112, written without a look at lib/http: a list of Request, up to what is wrong
or not whole. Where the RFC lets a recipient choose between repair and refusal
(bare LF, two equal lengths, a length beside chunked), it refuses.

corpus() yields (name, bytes): each is one request or more.
"""
import collections
import re

Request = collections.namedtuple("Request", "method path fields body close")

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+;=%]*)(:\d*)?")
REQUEST_LINE = re.compile(
    b"(" + TOKEN + rb") ([!-\"$-~]+) HTTP/1\.([0-9])\r\n")
FIELD = re.compile(
    b"(" + TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n")
CHUNK = re.compile(
    rb"([0-9A-Fa-f]{1,15})([ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
HOP = {b"connection", b"keep-alive", b"te", b"upgrade", b"proxy-connection",
       b"proxy-authorization"}
FRAMING = {b"content-length", b"transfer-encoding"}


class Bad(Exception):
    pass


class Bytes:
    """What a reader reads from: bytes that are there."""

    def __init__(self, data):
        self.data = data

    def upto(self, mark):
        at = self.data.find(mark)
        if at < 0:
            raise Bad("not whole")
        line, self.data = self.data[:at + 1], self.data[at + 1:]
        return line

    def take(self, n):
        if n > len(self.data):
            raise Bad("not whole")
        data, self.data = self.data[:n], self.data[n:]
        return data


def match(regex, data):
    m = regex.fullmatch(data)
    if m is None:
        raise Bad(repr(data))
    return m


def read_fields(source):
    fields = []
    while True:
        line = source.upto(b"\n")
        if line == b"\r\n":
            return fields
        m = match(FIELD, line)
        fields.append((m[1].lower(), m[2]))


def values(fields, name):
    return [v for n, v in fields if n == name]


def elements(fields, name):
    return [x.strip(b" \t").lower() for v in values(fields, name)
            for x in v.split(b",")]


def read_chunks(source):
    body = b""
    while True:
        n = int(match(CHUNK, source.upto(b"\n"))[1], 16)
        if n == 0:
            return body, read_fields(source)
        body += source.take(n)
        if source.take(2) != b"\r\n":
            raise Bad("no CR LF behind a chunk")


def read_body(source, fields, minor):
    lengths = values(fields, b"content-length")
    codings = values(fields, b"transfer-encoding")
    if codings:
        if lengths or minor == 0 or [c.lower() for c in codings] != [
                b"chunked"]:
            raise Bad("ambiguous")
        return read_chunks(source)
    if not lengths:
        return b"", []
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]):
        raise Bad("lengths")
    return source.take(int(lengths[0])), []


def check_host(target, fields, minor):
    hosts = values(fields, b"host")
    if len(hosts) > 1 or (not hosts and minor > 0):
        raise Bad("Host")
    if hosts:
        match(HOST, hosts[0])
    if target == b"*" or target[:1] == b"/":
        return target
    m = re.fullmatch(rb"(?i:http)://([^/?]+)(/.*|)", target)
    if m is None or not hosts or m[1].lower() != hosts[0].lower():
        raise Bad("target")
    return m[2] or b"/"


def read_one(source):
    line = source.upto(b"\n")
    while line == b"\r\n":      # 2.2: before a request line
        line = source.upto(b"\n")
    method, target, minor = match(REQUEST_LINE, line).groups()
    minor = int(minor)
    fields = read_fields(source)
    path = check_host(target, fields, minor)
    body, trailers = read_body(source, fields, minor)
    options = elements(fields, b"connection")
    close = b"close" in options or (minor == 0 and
                                    b"keep-alive" not in options)
    kept = [(n, v) for n, v in fields
            if n not in HOP | FRAMING and n not in set(options) - {b"host"}
            and not n.startswith(b"x-forwarded-")
            and n not in (b"forwarded", b"via", b"x-request-id")
            and (n, v) != (b"host", b"")]
    return Request(method, path, kept + trailers, body, close)


def read_all(data):
    """The requests in data, and whether all of it was understood."""
    source, found = Bytes(data), []
    try:
        while source.data and not (found and found[-1].close):
            found.append(read_one(source))
    except Bad:
        return found, False
    return found, True


# ---- the corpus ----

BYTES = [0, 1, 8, 9, 10, 11, 12, 13, 27, 31, 32, 127, 128, 255]


def request(line="GET /a/x HTTP/1.1", *fields, host="Host: h", body=b""):
    lines = [line] + ([host] if host is not None else []) + list(fields)
    return "".join(x + "\r\n" for x in lines + [""]).encode("latin-1") + body


def lines():
    for line in (
            "GET /a/x HTTP/1.0", "GET /a/x HTTP/1.2", "GET /a/x HTTP/1.9",
            "GET /a/x HTTP/2.0", "GET /a/x HTTP/0.9", "GET /a/x HTTP/11",
            "GET /a/x HTTP/1.10", "GET /a/x HTTP/01.1", "GET /a/x http/1.1",
            "GET /a/x HTTP/1.1 ", "GET /a/x  HTTP/1.1", "GET  /a/x HTTP/1.1",
            " GET /a/x HTTP/1.1", "GET\t/a/x HTTP/1.1", "GET /a/x\tHTTP/1.1",
            "GET /a/x", "GET", "", "/a/x HTTP/1.1", "GET HTTP/1.1",
            "GET /a/x HTTP/1.1 HTTP/1.1", "GET /a/ x HTTP/1.1",
            "G(T /a/x HTTP/1.1", "G:T /a/x HTTP/1.1", "get /a/x HTTP/1.1",
            "X" * 33 + " /a/x HTTP/1.1", "PRI * HTTP/2.0", "M-S /a HTTP/1.1",
            "OPTIONS * HTTP/1.1", "CONNECT h:80 HTTP/1.1", "GET a/x HTTP/1.1",
            "GET //a/x HTTP/1.1", "GET /a/../b HTTP/1.1", "GET /a#f HTTP/1.1",
            "GET /a/%00 HTTP/1.1", "GET /a?%0d%0a HTTP/1.1", "GET ? HTTP/1.1",
            "GET /a\\x HTTP/1.1", "GET /A/x HTTP/1.1", "GET /%61/x HTTP/1.1",
            "GET http://h/a/x HTTP/1.1", "GET http://H/a/x HTTP/1.1",
            "GET http://i/a/x HTTP/1.1", "GET http://h:80/a/x HTTP/1.1",
            "GET http://u@h/a/x HTTP/1.1", "GET http:///a/x HTTP/1.1",
            "GET http://h HTTP/1.1", "GET http://h?q HTTP/1.1",
            "GET https://h/a/x HTTP/1.1", "GET ftp://h/a HTTP/1.1",
            "GET HTTP://h/a/x HTTP/1.1", "GET http:/a/x HTTP/1.1",
            "TRACE /a/x HTTP/1.1", "DELETE /a/;x=y HTTP/1.1"):
        yield line, request(line)
    yield "long target", request("GET /a/%s HTTP/1.1" % ("x" * 9000))
    yield "empty lines", b"\r\n\r\n" + request()
    yield "bare LF first", b"\n" + request()


def fields():
    for host in (None, "Host:", "Host: a b", "Host: a,b", "Host: a/b",
                 "Host: h@i", "Host: h:80", "Host: h:x", "Host: h:80:80",
                 "Host: [::1]", "Host: [::1", "Host: [::1]x", "Host: [", "HOST: h",
                 "Host:h", "Host:\th\t", "Host: ]", "Host: h\r\nHost: h",
                 "Host: h\r\nhost: i", "Host : h", "Host\t: h", " Host: h"):
        yield "host %r" % host, request(host=host)
    for field in (
            "X: y\r\n z", "X: y\r\n\tz", " X: y", "\tX: y", "X", "X y", ": y",
            "X : y", "X\t: y", "X: y\r", "X(: y", "X{}: y", "\"X\": y",
            "X: \"y\r\n", "X:", "X:y", "X: \t y \t ", "X: y\nZ: z",
            "X: y\rZ: z", "X=y: z", "X: y\r\nX: z", "X: a, b\r\nX: c",
            "Connection: x\r\nX: y", "Connection: close, host",
            "Connection: content-length\r\nContent-Length: 0",
            "Connection: transfer-encoding", "Connection: ,,x ,\r\nx: y",
            "Connection: X\r\nConnection: Y\r\nX: 1\r\nY: 2\r\nZ: 3",
            "Keep-Alive: 5", "TE: trailers", "Proxy-Connection: keep-alive",
            "Upgrade: h2c", "Connection: upgrade\r\nUpgrade: x",
            "X-Forwarded-For: 6.6.6.6", "x-forwarded-host: evil",
            "Forwarded: for=6.6.6.6", "Via: 1.0 evil", "X_Forwarded: y",
            "Content_Length: 9", "X: " + "y" * 40000, "Proxy-Authorization: x",
            "\r\nX: y", "X: \xff\xfe", "Expect: 200-ok", "Cookie: a=b; c=d"):
        yield "field %r" % field[:40], request("GET /a/x HTTP/1.1", field)
    yield "101 fields", request("GET /a/x HTTP/1.1",
                                *["X: %d" % i for i in range(101)])


def framings():
    for length in ("5", "05", "+5", "-5", "5.0", "0x5", "5 ", "5,5", "5, 5",
                   "", " ", "5;", "5 5", "99999999999999999999", "5\t",
                   "18446744073709551621", "a", "0", "5\r\nContent-Length: 5",
                   "5\r\nContent-Length: 6", "\"5\"", "5\x0b", "\xb2"):
        yield "length %r" % length, request(
            "POST /a/x HTTP/1.1", "Content-Length: " + length, body=b"hello")
    chunked = b"5\r\nhello\r\n0\r\n\r\n"
    for coding in ("chunked", "Chunked", "CHUNKED", "identity", "gzip",
                   "gzip, chunked", "chunked, gzip", "chunked, chunked",
                   "chunked\r\nTransfer-Encoding: chunked", "xchunked",
                   "chunked\r\nTransfer-Encoding: identity", " chunked\t",
                   "chunked;q=1", "\"chunked\"", "'chunked'", "\x0bchunked",
                   "", "chunked,", ",chunked", "chunked\r\n ", "chunk ed",
                   "chunked\r\nContent-Length: 5", "chunked\x00",
                   "chunked\r\nContent-Length: 0"):
        yield "coding %r" % coding, request(
            "POST /a/x HTTP/1.1", "Transfer-Encoding: " + coding, body=chunked)
    for name in ("Transfer-Encoding ", "Transfer-Encoding\t", " Transfer-Encoding",
                 "Transfer_Encoding", "Transfer-Encoding\x00", "Content-Length ",
                 "\x0bContent-Length", "Content-Length\r"):
        yield "name %r" % name, request(
            "POST /a/x HTTP/1.1", name + ": chunked", body=chunked)
    yield "length first", request("POST /a/x HTTP/1.1", "Content-Length: 4",
                                  "Transfer-Encoding: chunked", body=chunked)
    yield "chunked in 1.0", request("POST /a/x HTTP/1.0", body=chunked, *[
        "Transfer-Encoding: chunked", "Connection: keep-alive"])
    yield "body of GET", request("GET /a/x HTTP/1.1", "Content-Length: 5",
                                 body=b"hello")
    yield "body of HEAD", request("HEAD /a/x HTTP/1.1", "Content-Length: 5",
                                  body=b"GET /")
    yield "no length", request("POST /a/x HTTP/1.1", body=b"")
    yield "request as body", request(
        "POST /a/x HTTP/1.1", "Content-Length: 32",
        body=request("GET /a/y HTTP/1.1", "X: 1")[:32])


def chunk_bodies():
    for body in (
            "0\r\n\r\n", "00000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n", "5;a=b;c\r\nhello\r\n0;x\r\n\r\n",
            "5 ;a\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n", "5\r\nhello\r0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\n\r\n",
            "5\r\nhello\r\n\r\n0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n", "5 5\r\nhello\r\n0\r\n\r\n",
            "\r\n5\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n",
            "000000000000005\r\nhello\r\n0\r\n\r\n",
            "0000000000000005\r\nhello\r\n0\r\n\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "100000005\r\nhello\r\n0\r\n\r\n", "fffffffffffffffb\r\nhello",
            "A\r\n0123456789\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n",
            "5;\"\r\n\"\r\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n", "5\t;x\r\nhello\r\n0\r\n\r\n",
            "5;" + "x" * 9000 + "\r\nhello\r\n0\r\n\r\n",
            "0\r\nT: v\r\n\r\n", "0\r\nT: v\r\nU: w\r\n\r\n", "0\r\nT\r\n\r\n",
            "0\r\n T: v\r\n\r\n", "0\r\nT : v\r\n\r\n", "0\r\nT: v\n\r\n",
            "0\r\nT: v\r\n w\r\n\r\n", "0\r\n: v\r\n\r\n", "0\r\nT: v\r\r\n\r\n",
            "0\r\nT: " + "v" * 9000 + "\r\n\r\n", "5\r\nhel\r\n0\r\n\r\n",
            "0\r\nGET /a/y HTTP/1.1\r\nHost: h\r\n\r\n"):
        yield "chunks %r" % body[:40], request(
            "POST /a/x HTTP/1.1", "Transfer-Encoding: chunked",
            body=body.encode("latin-1"))


def odd_bytes():
    text = request("POST /a/x HTTP/1.1", "X-Y: zz", "Transfer-Encoding: chunked",
                   body=b"2;e=e\r\nab\r\n0\r\nT-T: vv\r\n\r\n")
    for mark in (b"OST", b"/x", b"/1.1", b"st: h", b"Y: zz", b"zz", b"zz\r",
                 b"nked", b"2;", b"=e", b"ab", b"b\r", b"-T:", b"vv"):
        at = text.index(mark) + 1
        for byte in BYTES:
            yield "byte %d in %r" % (byte, mark), (
                text[:at] + bytes([byte]) + text[at:])


def corpus():
    for part in (lines, fields, framings, chunk_bodies, odd_bytes):
        yield from part()
