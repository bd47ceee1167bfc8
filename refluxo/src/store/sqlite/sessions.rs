//! Whether the holder of a lease is alive: each session locks a file beside the database.
//!
//! The operating system drops a lock with its process, however that dies, so runs of a dead process need not wait for the
//! end of its leases.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::store::{Session, SessionId, SessionWatch};

/// The lock files beside one database.
#[derive(Debug)]
pub(super) struct Sessions {
    folder: PathBuf,
    /// The database's name and `-refluxo-session-`; the session's id follows.
    prefix: OsString,
    /// The sessions that this process holds locks for.
    own: Mutex<HashMap<SessionId, SessionWatch>>,
}

/// A locked file. Dropped when its session is over.
struct LockFile {
    path: PathBuf,
    _locked: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A file that stays behind is not locked, and the next store that opens the database removes it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Sessions {
    /// The lock files beside `database`; what dead processes left behind is removed.
    pub(super) fn beside(database: &Path) -> Self {
        let folder = database.parent().unwrap_or(Path::new("")).to_owned();
        let mut prefix = database.file_name().unwrap_or_default().to_owned();
        prefix.push("-refluxo-session-");
        let sessions = Self { folder, prefix, own: Mutex::default() };
        sessions.sweep();
        sessions
    }

    fn path(&self, id: SessionId) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(id.to_string());
        self.folder.join(name)
    }

    /// Locks the session's file, if that was not done yet. Called before the session gets its first lease.
    pub(super) fn hold(&self, session: &Session) -> io::Result<()> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.contains_key(&session.id()) {
            return Ok(());
        }
        own.retain(|_, watch| !watch.is_over());
        session.guard(Box::new(self.lock(session.id())?));
        own.insert(session.id(), session.watch());
        Ok(())
    }

    /// Makes the file under another name and gives it its own only when it is locked, so that nobody ever sees the lock file
    /// of a living session without its lock.
    fn lock(&self, id: SessionId) -> io::Result<LockFile> {
        let path = self.path(id);
        let mut new = path.clone().into_os_string();
        new.push(".new");
        loop {
            let file = File::create(&new)?;
            file.lock()?;
            match fs::rename(&new, &path) {
                Ok(()) => return Ok(LockFile { path, _locked: file }),
                // Somebody's sweep was between the first two lines.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether a session that holds leases is over.
    pub(super) fn is_over(&self, id: SessionId) -> bool {
        if let Some(own) = self.own.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return own.is_over();
        }
        is_unlocked(&self.path(id))
    }

    /// Removes the files that nobody has locked.
    fn sweep(&self) {
        // Leftovers harm nobody, so errors don't either.
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(self.prefix.as_encoded_bytes())
                && is_unlocked(&entry.path())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether there is no lock on the file, or no file. When in doubt there is one: then the lease decides.
fn is_unlocked(path: &Path) -> bool {
    match File::open(path) {
        // The lock that this takes goes at once, with the file.
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
