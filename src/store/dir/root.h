/*-------------------------------------------------------------------------
 *
 * root.h
 *	  Opens the folder of this database and checks its owner.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_ROOT_H
#define FFU_ROOT_H

#include "base/ffu.h"
#include "store/dir/folder.h"
#include "store/dir/owner.h"
#include "store/store.h"

/* Names in a root, and in its .ffu directory */
#define FFU_CONTROL_DIR			".ffu"
#define FFU_STAGING_DIR		"staging"
#define FFU_UPLOADS_DIR		"uploads"
#define FFU_OWNER_FILE		"owner"

/* The row of ffu.root */
typedef struct FfuClaim
{
	char		root_id[FFU_ROOT_ID_LEN + 1];
	char		path[MAXPGPATH];
	char		key[FFU_KEY_LEN + 1];	/* as in FfuOwner */
	bool		counted;		/* see transaction/usage.c */
} FfuClaim;

/* Why a root cannot be used; detail and hint are ready for a message. */
typedef struct FfuTrouble
{
	int			error;			/* error number of a system call, or 0 */
	bool		foreign;		/* another database has used the folder */
	char	   *detail;			/* NULL without trouble */
	char	   *hint;
} FfuTrouble;

/* An open .ffu directory; only store/dir touches the member */
typedef struct FfuControl
{
	int			fd;
} FfuControl;

/*
 * Called with the root of this database when a transaction has opened the root,
 * until a call returns true.  May raise errors.  sweep/put_back.c sets the hook.
 */
typedef bool (*FfuRootOpenedHook) (FfuStore *store);

extern FfuRootOpenedHook ffu_root_opened_hook;

/* Finds the methods for the store of this database */
typedef const FfuStoreMethods *(*FfuMethodsFinder) (void);

/* The methods of a folder alone */
extern const FfuStoreMethods ffu_folder_methods;

extern void ffu_root_set_methods(FfuMethodsFinder find);
extern FfuStore *ffu_root_use(void);
extern FfuStore *ffu_root_read(void);
extern FfuStore *ffu_root_try(void);
extern FfuStore *ffu_root_in_use(void);
extern const char *ffu_root_id(void);
extern const char *ffu_root_path(void);
extern const char *ffu_root_key(void);
extern bool ffu_root_counted(void);
extern void ffu_root_release(void);

extern bool ffu_root_read_claim(FfuClaim *claim, bool hold);
extern void ffu_root_check_claim(void);
extern bool ffu_root_open(const FfuClaim *claim, FfuFolder *folder,
						  FfuTrouble *trouble);
extern void ffu_root_close(FfuFolder *folder);
extern void ffu_root_self(const char *path, FfuOwner *owner);
extern int	ffu_root_read_owner(const FfuControl *control, FfuOwner *owner);
extern char *ffu_root_newer_detail(const FfuOwner *owner);
extern int	ffu_root_write_owner(const FfuControl *control,
								 const FfuOwner *owner, bool replace);

#endif							/* FFU_ROOT_H */
