// LMDB's calls, as this program sees them: each asks faults.h, then calls the real one. All that
// storage/ uses and that can fail.
//
// They are found before the library's because a program's own symbols come first; the real ones
// are looked up with dlsym(RTLD_NEXT), so LMDB has to be linked as a shared library.

#include <dlfcn.h>
#include <lmdb.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "tests/faults/faults.h"

namespace {

using ingot::faults::Call;
using ingot::faults::Place;

template <typename Function>
Function* real(const char* name) {
  auto* const found = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
  if (found == nullptr) {
    std::fprintf(stderr, "%s is in no shared library: nothing can be passed on\n", name);
    std::abort();
  }
  return found;
}

int decide(Call call) { return ingot::faults::decide(call, Place::process); }

}  // namespace

extern "C" {

int mdb_env_create(MDB_env** env) {
  static auto* const call = real<int(MDB_env**)>("mdb_env_create");
  const int error = decide(Call::mdb_env_create);
  return error != 0 ? error : call(env);
}

int mdb_env_set_mapsize(MDB_env* env, std::size_t bytes) {
  static auto* const call = real<int(MDB_env*, std::size_t)>("mdb_env_set_mapsize");
  const int error = decide(Call::mdb_env_set);
  return error != 0 ? error : call(env, bytes);
}

int mdb_env_set_maxdbs(MDB_env* env, MDB_dbi most) {
  static auto* const call = real<int(MDB_env*, MDB_dbi)>("mdb_env_set_maxdbs");
  const int error = decide(Call::mdb_env_set);
  return error != 0 ? error : call(env, most);
}

int mdb_env_set_maxreaders(MDB_env* env, unsigned most) {
  static auto* const call = real<int(MDB_env*, unsigned)>("mdb_env_set_maxreaders");
  const int error = decide(Call::mdb_env_set);
  return error != 0 ? error : call(env, most);
}

int mdb_env_open(MDB_env* env, const char* path, unsigned flags, mdb_mode_t mode) {
  static auto* const call = real<int(MDB_env*, const char*, unsigned, mdb_mode_t)>("mdb_env_open");
  const int error = decide(Call::mdb_env_open);
  return error != 0 ? error : call(env, path, flags, mode);
}

int mdb_txn_begin(MDB_env* env, MDB_txn* parent, unsigned flags, MDB_txn** out) {
  static auto* const call = real<int(MDB_env*, MDB_txn*, unsigned, MDB_txn**)>("mdb_txn_begin");
  const int error = decide(Call::mdb_txn_begin);
  return error != 0 ? error : call(env, parent, flags, out);
}

int mdb_txn_renew(MDB_txn* txn) {
  static auto* const call = real<int(MDB_txn*)>("mdb_txn_renew");
  const int error = decide(Call::mdb_txn_renew);
  return error != 0 ? error : call(txn);
}

// The transaction is over also when it fails, as LMDB's.
int mdb_txn_commit(MDB_txn* txn) {
  static auto* const call = real<int(MDB_txn*)>("mdb_txn_commit");
  const auto [error, done] = ingot::faults::fate(Call::mdb_txn_commit, Place::process);
  if (error == 0) return call(txn);
  if (done) {
    const int failed = call(txn);
    return failed != 0 ? failed : error;
  }
  mdb_txn_abort(txn);
  return error;
}

int mdb_dbi_open(MDB_txn* txn, const char* name, unsigned flags, MDB_dbi* out) {
  static auto* const call = real<int(MDB_txn*, const char*, unsigned, MDB_dbi*)>("mdb_dbi_open");
  const int error = decide(Call::mdb_dbi_open);
  return error != 0 ? error : call(txn, name, flags, out);
}

int mdb_stat(MDB_txn* txn, MDB_dbi table, MDB_stat* out) {
  static auto* const call = real<int(MDB_txn*, MDB_dbi, MDB_stat*)>("mdb_stat");
  const int error = decide(Call::mdb_stat);
  return error != 0 ? error : call(txn, table, out);
}

int mdb_get(MDB_txn* txn, MDB_dbi table, MDB_val* key, MDB_val* out) {
  static auto* const call = real<int(MDB_txn*, MDB_dbi, MDB_val*, MDB_val*)>("mdb_get");
  const int error = decide(Call::mdb_get);
  return error != 0 ? error : call(txn, table, key, out);
}

int mdb_put(MDB_txn* txn, MDB_dbi table, MDB_val* key, MDB_val* value, unsigned flags) {
  static auto* const call = real<int(MDB_txn*, MDB_dbi, MDB_val*, MDB_val*, unsigned)>("mdb_put");
  const int error = decide(Call::mdb_put);
  return error != 0 ? error : call(txn, table, key, value, flags);
}

int mdb_del(MDB_txn* txn, MDB_dbi table, MDB_val* key, MDB_val* value) {
  static auto* const call = real<int(MDB_txn*, MDB_dbi, MDB_val*, MDB_val*)>("mdb_del");
  const int error = decide(Call::mdb_del);
  return error != 0 ? error : call(txn, table, key, value);
}

}  // extern "C"
