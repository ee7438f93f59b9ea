/*-------------------------------------------------------------------------
 *
 * shim.h
 *	  What a fuzzing harness sees of the server: memory, errors, encodings.
 *
 * A harness defines fuzz() and checks its properties with insist().  libFuzzer
 * makes the inputs, or main() of shim.c reads the inputs from files.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FUZZ_SHIM_H
#define FUZZ_SHIM_H

#include "base/ffu.h"

/* Size of the largest input, in bytes */
#define FUZZ_INPUT_MAX		4096

/* Abort with a message unless a property holds, in every build. */
#define insist(property) \
	((property) ? (void) 0 : fuzz_violated(#property, __FILE__, __LINE__))

/*
 * Test one input.  The byte behind the input is zero.  An error that the code
 * raises ends the call, as in a backend, and is not a fault.
 */
extern void fuzz(const char *data, size_t len);

extern void fuzz_violated(const char *property, const char *file, int line)
			pg_attribute_noreturn();

/*
 * Split the input at zero bytes: copy the first field to out, of size bytes,
 * and go on behind the zero byte.  A field that is too long is cut.
 */
extern void fuzz_field(const char **data, size_t *len, char *out, size_t size);

/* Tell whether a text is valid UTF-8, as every text in a database is. */
extern bool fuzz_is_text(const char *text, size_t len);

#endif							/* FUZZ_SHIM_H */
