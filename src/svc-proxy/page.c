/*
 * page.c - page.html as it lies beside this file, in the binary.
 */
#include "proxy.h"

__asm__(".pushsection .rodata\n"
	".globl page_html\n"
	".type page_html, @object\n"
	"page_html:\n"
	".incbin \"src/svc-proxy/page.html\"\n"
	".byte 0\n"
	".size page_html, . - page_html\n"
	".popsection\n");
