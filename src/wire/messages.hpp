// The messages of the control socket: the interface org.miniinit.Manager. Requests, replies, errors and their parts are
// plain structs in the headers below. Each names its fields once, in `fields`; the JSON codec, the interface
// description and `minictl --json` use that one list. json.hpp and varlink.hpp encode them; the daemon acts on them.
//
// These names are a public interface: fields are added at the end, and never renamed. Readers ignore unknown fields and
// use defaults for missing ones; a request may leave out an optional or a bool.
#pragma once

#include "wire/errors.hpp"
#include "wire/requests.hpp"
