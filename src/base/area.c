/*-------------------------------------------------------------------------
 *
 * area.c
 *	  Areas of shared memory.
 *
 * The server makes shared memory anew at each start, also after a crash of a
 * single process, and only if ffu is in shared_preload_libraries.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/area.h"

/* Number of areas that can be added */
#define AREAS_MAX		8

static const FfuArea *areas[AREAS_MAX];
static int	nareas = 0;

static shmem_request_hook_type next_request = NULL;
static shmem_startup_hook_type next_startup = NULL;

/*
 * shmem_request_hook: request the space and the lock of each area.
 */
static void
at_shmem_request(void)
{
	int			i;

	if (next_request)
		next_request();
	for (i = 0; i < nareas; i++)
	{
		RequestAddinShmemSpace(areas[i]->size);
		RequestNamedLWLockTranche(areas[i]->name, 1);
	}
}

/*
 * Make or attach an area.  The caller holds AddinShmemInitLock.
 */
static void
attach(const FfuArea *area)
{
	bool		found;
	void	   *memory = ShmemInitStruct(area->name, area->size, &found);

	if (!found)
		memset(memory, 0, area->size);
	area->attach(memory, &GetNamedLWLockTranche(area->name)->lock, !found);
}

/*
 * shmem_startup_hook: make or attach the areas.
 */
static void
at_shmem_startup(void)
{
	int			i;

	if (next_startup)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (i = 0; i < nareas; i++)
		attach(areas[i]);
	LWLockRelease(AddinShmemInitLock);
}

/*
 * Add an area, which must last.  _PG_init calls this in the postmaster.
 */
void
ffu_area_add(const FfuArea *area)
{
	Assert(nareas < AREAS_MAX);
	if (nareas == 0)
	{
		next_request = shmem_request_hook;
		shmem_request_hook = at_shmem_request;
		next_startup = shmem_startup_hook;
		shmem_startup_hook = at_shmem_startup;
	}
	areas[nareas++] = area;
}
