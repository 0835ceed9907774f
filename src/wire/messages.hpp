// What is said on the control socket: the interface org.miniinit.Manager. Requests, replies, errors and the facts that these
// are made of are plain structs, in the headers below; each names its fields once, in `fields`, and the JSON codec, the
// interface description and `minictl --json` walk that one list. How they become bytes is json.hpp's and varlink.hpp's; what
// they do is the daemon's.
//
// These names are a public interface: fields are added at the end, never renamed. Readers ignore fields that they do not
// know and default those that are missing; an optional or a bool may be left out of a request.
#pragma once

#include "wire/errors.hpp"
#include "wire/requests.hpp"
