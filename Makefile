# berth: one Makefile. States what links what; everything else is a pattern.
#
#	make demo	services on a Slurm of this machine (or of this cluster)
#	make test	deps, all, check
#	make SAN=1 ...	the same under ASan and UBSan, in build/san
#	make WERROR=1	warnings are errors

.SHELLFLAGS = -ec
PREFIX = /usr/local
CC = gcc
OPT = -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla
VARIANT = plain
ifdef SAN
VARIANT = san
OPT = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
endif
ifdef WERROR
WARN += -Werror
endif
SSE := $(if $(findstring 86-,$(shell $(CC) -dumpmachine)),-mfpmath=sse -msse2)
CFLAGS = $(OPT) $(WARN) -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Ilib -MMD -MP $(filter-out \
	$(if $(SAN),-D_FORTIFY_SOURCE=2),$(CFLAGS)) -ffp-contract=off $(SSE)
B = build/$(VARIANT)

# The library: what two tools share. Foreign libraries stay out of it.
LIB = announce args buf chunks clock die err ev flat heap http jobspec jobtext \
	map nd net notify num rec rng service term xalloc
LIBBERTH = $(B)/libberth.a

# Which tool links what, beside libberth and jansson.
TOOLS = job-stats sched-sim sched-trace svc-discover svc-keepalive \
	svc-proxy svc-run svc-submit
SLURM_TOOLS = svc-discover svc-run svc-submit
own = $(patsubst %.c,%.o,$(wildcard src/$(1)/*.c))
job-stats = $(call own,job-stats) -lm
sched-sim = $(call own,sched-sim) -lm
sched-trace = $(call own,sched-trace) -lm
svc-discover = $(call own,svc-discover) lib/slurmio.o -lslurm
svc-keepalive = $(call own,svc-keepalive)
svc-proxy = $(call own,svc-proxy) -lcrypt
svc-run = $(call own,svc-run) lib/slurmio.o lib/fetch.o -lslurm -lcurl
svc-submit = $(call own,svc-submit) lib/slurmio.o -lslurm

# Drivers of the tests: t/unit/NAME.c alone over the library, the Slurm tools
# over fake-slurm.c instead of libslurm, svc-proxy with a clock that tests
# hold and reads and writes that are cut short.
DRIVERS = $(patsubst t/unit/%.c,%,$(filter-out t/unit/fake-% t/unit/peer-% \
	$(if $(wildcard /usr/share/llhttp),,%-peer.c),$(wildcard t/unit/*.c)))
FAKES = $(SLURM_TOOLS:%=fake-%)
FAKED = $(B)/t/fakes/svc-proxy
TEST_BINS = $(addprefix $(B)/t/,$(DRIVERS) $(FAKES)) $(FAKED)

objects = $(addprefix $(B)/,$(filter %.o,$($(1))))
libs = $(filter -l%,$($(1))) -ljansson

all: $(TOOLS:%=bin/%) $(TEST_BINS)

# bin/ is a link to the variant that was built last.
bin/%: $(B)/bin/% FORCE
	@ln -sf ../$< $@

.SECONDEXPANSION:
$(TOOLS:%=$(B)/bin/%) $(FAKED): $$(call objects,$$(@F)) $(LIBBERTH)
	@mkdir -p $(@D)
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(call libs,$(@F))

fetch = lib/fetch.o -lcurl
fuzz-peer = $(addprefix t/unit/peer-,parser.o llhttp.o machine.o) -lhttp_parser
$(B)/t/unit/peer-%.o: ALL_CFLAGS += -isystem /usr/share/include/llhttp
fuzz-trace = $(filter-out %/main.o,$(call own,sched-trace)) -lm
$(DRIVERS:%=$(B)/t/%): $(B)/t/%: $(B)/t/unit/%.o $$(call objects,$$*) \
		$(LIBBERTH)
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(call libs,$*)

$(FAKES:%=$(B)/t/%): $(B)/t/fake-%: $$(call objects,%) \
		$(B)/t/unit/fake-slurm.o $(LIBBERTH)
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(filter-out -lslurm,$(call libs,$*))

WRAPPED = clock_mono_us epoll_wait recv send sendmsg
$(FAKED): LDFLAGS += $(WRAPPED:%=-Wl,--wrap=%)
$(FAKED): $(B)/t/unit/fake-clock.o $(B)/t/unit/fake-socket.o

$(LIBBERTH): $(LIB:%=$(B)/lib/%.o)
	rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/src/svc-proxy/page.o: src/svc-proxy/page.html

# What the build, the run, the tests, the lint and the benchmarks need.
DEPS = make gcc libc6-dev libslurm-dev libcurl4-openssl-dev libjansson-dev jq \
	socat curl python3 procps iproute2 bats parallel slurmctld slurmd \
	slurm-client slurmdbd mariadb-server munge systemd mandoc shellcheck \
	cppcheck clang-tidy clang libclang-rt-14-dev libhttp-parser-dev \
	node-llhttp valgrind haproxy nginx wrk hey slowhttptest libasan8 \
	libubsan1 gnuplot-nox fontconfig fonts-dejavu-core mawk prometheus \
	chromium
APT = apt-get install -y --no-install-recommends $(DEPS)

deps:
	@dpkg-query -W -f '$${db:Status-Status}\n' $(DEPS) 2>&1 | \
	    grep -vx installed >/dev/null || exit 0; \
	if [ "$$(id -u)" != 0 ]; then \
		echo "packages are missing; as root, type:" >&2; \
		echo "  apt-get update && $(APT)" >&2; exit 2; \
	fi; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive $(APT) -q

check: all
	t/run

test: deps
	$(MAKE) check

demo: deps
	$(MAKE) all
	examples/demo.sh

demo-stop:
	examples/demo.sh stop

bench: all
	t/bench/run

fuzz:
	t/fuzz/run $(T)

SCRIPTS = $(shell grep -lsIE '^\#!/bin/(ba)?sh' bin/* share/* services/*/* \
	examples/* t/run t/machines t/valgrind t/bench/* t/fuzz/run .ci/run) \
	share/lib.sh share/plot/kinds.sh share/completion/berth
lint:
	shellcheck -x $(SCRIPTS)
	mandoc -T lint -W warning man/*.[1-8]
	cppcheck -q --enable=warning,performance,portability --std=c11 -Ilib \
	    --error-exitcode=1 --suppress=preprocessorErrorDirective lib src
	clang-tidy --quiet $(wildcard lib/*.c src/*.c src/*/*.c) -- \
	    -std=c11 -D_GNU_SOURCE -Ilib

SHELL_TOOLS = $(filter-out $(TOOLS:%=bin/%),$(wildcard bin/*))
BINDIR = $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/user
install: all
	install -d $(BINDIR) $(UNITDIR) $(addprefix $(SHAREDIR)/,berth \
	    man/man1 man/man5 man/man7 bash-completion/completions)
	install -m 755 $(TOOLS:%=$(B)/bin/%) $(SHELL_TOOLS) $(BINDIR)
	cp -R share/. services examples $(SHAREDIR)/berth
	chmod -R u=rwX,go=rX $(SHAREDIR)/berth
	for s in 1 5 7; do install -m 644 man/*.$$s $(SHAREDIR)/man/man$$s; done
	install -m 644 share/completion/berth \
	    $(SHAREDIR)/bash-completion/completions/berth
	for t in $(TOOLS) $(notdir $(SHELL_TOOLS)); do ln -sf berth \
	    $(SHAREDIR)/bash-completion/completions/$$t; done
	umask 022; for u in share/systemd/*; do sed \
	    's|@BINDIR@|$(PREFIX)/bin|g' $$u >$(UNITDIR)/$${u##*/}; done

uninstall:
	for t in $(TOOLS) $(notdir $(SHELL_TOOLS)); do rm -f $(BINDIR)/$$t \
	    $(SHAREDIR)/bash-completion/completions/$$t; done
	for m in man/*.[157]; do rm -f \
	    $(SHAREDIR)/man/man$${m##*.}/$${m##*/}; done
	for u in share/systemd/*; do rm -f $(UNITDIR)/$${u##*/}; done
	rm -rf $(SHAREDIR)/berth $(SHAREDIR)/bash-completion/completions/berth

clean:
	rm -rf build $(TOOLS:%=bin/%)

.PHONY: FORCE all deps check test demo demo-stop bench fuzz lint install \
	uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
