/*-------------------------------------------------------------------------
 *
 * advisory.h
 *	  The classes of the advisory locks that ffu takes.
 *
 * A class is field 4 of a lock's tag, which tells the locks of ffu from each
 * other and from a user's: a user's lock has 1 or 2 there.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_ADVISORY_H
#define FFU_ADVISORY_H

#define FFU_LOCK_STAGING	0x6675	/* staging names of a database are swept */
#define FFU_LOCK_UPLOAD		0x6676	/* a resumable upload, by its key */
#define FFU_LOCK_QUOTA		0x6677	/* quota of a role; counters are folded */
#define FFU_LOCK_UPLOADS	0x6678	/* number of uploads of a role */
#define FFU_LOCK_PUT_BACK	0x6679	/* the salvage of a database is emptied */
#define FFU_LOCK_VERIFY		0x667A	/* doubts of a database are verified */
#define FFU_LOCK_DELIVER	0x667B	/* removals of a standby are delivered */
#define FFU_LOCK_MOVE		0x667C	/* files move between folder and bucket */
#define FFU_LOCK_FETCH		0x667D	/* missing files are fetched */

#endif							/* FFU_ADVISORY_H */
