/*-------------------------------------------------------------------------
 *
 * reply.c
 *	  Reads the XML that an object store answers.
 *
 * A reply comes from the network, maybe from something that is no object
 * store.  The parser follows no reference: a document with a type, which could
 * define entities, is refused before anything of it is used.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "store/s3/reply.h"

/* Depth of elements below which no reply of an object store reaches */
#define DEPTH_MAX	16

/*
 * Visit an element that holds text, or the elements in it.
 */
static void
visit_element(xmlNode *node, const char *outer, int depth,
			  FfuReplyVisitor visit, void *arg)
{
	xmlNode    *child;
	bool		has_elements = false;

	for (child = node->children; child; child = child->next)
	{
		if (child->type != XML_ELEMENT_NODE)
			continue;
		has_elements = true;
		if (depth < DEPTH_MAX)
			visit_element(child, (const char *) node->name, depth + 1, visit,
						  arg);
	}
	if (!has_elements)
	{
		xmlChar    *text = xmlNodeGetContent(node);
		FfuReplyText element;

		element.name = (const char *) node->name;
		element.outer = outer;
		element.text = text ? (const char *) text : "";

		PG_TRY();
		{
			visit(&element, arg);
		}
		PG_FINALLY();
		{
			if (text)
				xmlFree(text);
		}
		PG_END_TRY();
	}
}

/*
 * Call visit for each element that holds text, in the order of the document.
 * visit may raise an error.  Return false if this is not XML, or not XML that
 * an object store writes.
 */
bool
ffu_reply_read(const char *xml, size_t len, FfuReplyVisitor visit, void *arg)
{
	xmlDoc	   *doc;
	xmlNode    *root;
	volatile bool good = false;

	if (len == 0 || len > INT_MAX)
		return false;
	doc = xmlReadMemory(xml, (int) len, NULL, NULL,
						XML_PARSE_NONET | XML_PARSE_NOERROR |
						XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (doc == NULL)
		return false;
	PG_TRY();
	{
		root = xmlDocGetRootElement(doc);
		if (root != NULL && doc->intSubset == NULL)
		{
			visit_element(root, "", 0, visit, arg);
			good = true;
		}
	}
	PG_FINALLY();
	{
		xmlFreeDoc(doc);
	}
	PG_END_TRY();
	return good;
}

/*
 * Return the value of a hex digit, or -1.
 */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decode a text that is encoded as in a URL, in place.
 */
void
ffu_reply_decode(char *text)
{
	char	   *out = text;
	char	   *p;

	for (p = text; *p; p++)
	{
		if (*p == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0)
		{
			*out++ = hex_value(p[1]) * 16 + hex_value(p[2]);
			p += 2;
		}
		else
			*out++ = *p == '+' ? ' ' : *p;
	}
	*out = '\0';
}
