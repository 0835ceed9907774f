// Broken unit files, each with the first thing that is said about it.
#include "config/load.hpp"
#include "directory.hpp"

#include <doctest/doctest.h>

namespace mi::config {

using namespace std::string_view_literals;

namespace {

struct Broken {
    std::string_view text;
    const char* message;
};

// Each is the whole of web.toml.
constexpr Broken broken[] = {
    {""sv, "web.toml:1:1: needs [service] or [target]"},
    {"description = \"nothing else\"\n"sv, "web.toml:1:1: needs [service] or [target]"},
    {"[service]\ncommand = [\"/x\"]\n[health]\nfailures = 2\n"sv,
     "web.toml:3:1: [health] needs `command`, `http`, `tcp`, `unix` or `log-line`"},
    {"[service]\ncommand = [\"/x\"]\n[health]\ntcp = \"127.0.0.1:80\"\nunix = \"/run/x\"\n"sv,
     "web.toml:5:1: [health] has one probe: `command`, `http`, `tcp`, `unix` and `log-line` exclude each other"},
    {"[service]\ncommand = [\"/x\"]\n[health]\nhttp = \"https://x/\"\n"sv,
     "web.toml:4:8: `http`: https:// is not spoken: there is no TLS in this program (check the plain port, or "
     "tcp://HOST:443, or run a command that speaks TLS)"},
    {"[service]\ncommand = [\"/x\"]\n[health]\nhttp = \"gopher://x/\"\n"sv,
     "web.toml:4:8: `http`: \"gopher\" is not a known scheme (http://HOST/PATH, tcp://HOST:PORT, unix:PATH and "
     "unix+http://SOCKET:/PATH are known)"},
    {"[service]\ncommand = [\"/x\"]\n[health]\nhttp = \"tcp://127.0.0.1:80\"\n"sv,
     "web.toml:4:8: `http`: this is an address of another kind (the keys `http`, `tcp` and `unix` have one each)"},
    {"[service]\ncommand = [\"/x\"]\n[health]\ntcp = \"127.0.0.1\"\n"sv,
     "web.toml:4:7: `tcp`: expected tcp://HOST:PORT (an IPv6 address stands in brackets: tcp://[::1]:80)"},
    {"[service]\ncommand = [\"/x\"]\n[health]\nlog-line = \"a(b\"\n"sv,
     "web.toml:4:12: `log-line`: \"a(b\" is no regular expression: Unmatched ( or \\( (it is a POSIX extended one "
     "(regex(7)); a backslash before ( [ { . * + ? takes them as they are)"},
    {"[service]\ncommand = [\"/x\"]\n[health]\ntcp = \"127.0.0.1:80\"\ninterval = \"9ms\"\n"sv,
     "web.toml:5:12: `interval`: probes nearer than 10ms to each other would do nothing but cost (write \"10ms\" or "
     "more)"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"oneshot\"\n[health]\ntcp = \"127.0.0.1:80\"\n"sv,
     "web.toml:4:1: [health] is about what runs on, and a oneshot does not: its exit code tells"},
    {"[target]\n[health]\ntcp = \"127.0.0.1:80\"\n"sv,
     "web.toml:2:2: a target runs nothing: `health` belongs to a service"},
    {"[target]\n[await]\ntimeout = \"5s\"\n"sv,
     "web.toml:2:1: [await] needs `device`, `interface`, `address`, `mounted` or `path`"},
    {"[target]\n[await]\ndevice = \"ttyUSB0\"\n"sv,
     "web.toml:3:10: `device`: expected an absolute path, found the string \"ttyUSB0\" (write \"/dev/ttyUSB0\")"},
    {"[target]\n[await]\npath = [\"/x\", \"run/x\"]\n"sv,
     "web.toml:3:15: `path`: expected an absolute path, found the string \"run/x\""},
    {"[target]\n[await]\nmounted = \"/data/../x\"\n"sv,
     "web.toml:3:11: `mounted`: expected a path without `.`, `..` and double slashes, found the string \"/data/../x\""},
    {"[target]\n[await]\ninterface = \"/sys/class/net/eth0\"\n"sv,
     "web.toml:3:13: `interface`: expected the name of a network interface, such as \"eth0\", found the string "
     "\"/sys/class/net/eth0\" (write \"eth0\")"},
    {"[target]\n[await]\naddress = \"192.0.2.7/24\"\n"sv, "web.toml:3:11: `address`: expected an IPv4 or IPv6 address, "
                                                          "or \"any\", found the string \"192.0.2.7/24\" (write it "
                                                          "without what comes after the address)"},
    {"[target]\n[await]\naddress = \"localhost\"\n"sv,
     "web.toml:3:11: `address`: expected an IPv4 or IPv6 address, or \"any\", found the string \"localhost\""},
    {"[target]\n[await]\npath = \"/x\"\non-loss = \"restart\"\n"sv,
     "web.toml:4:11: `on-loss`: expected \"none\" or \"stop\", found the string \"restart\""},
    {"[service]\n[target]\n"sv,
     "web.toml:1:2: a unit is a service or a target: [service] and [target] exclude each other"},
    {"[target]\n[process]\nuser = \"www\"\n"sv, "web.toml:2:2: a target runs nothing: `process` belongs to a service"},
    {"[target]\n[[listen]]\nstream = \"/run/x\"\n"sv,
     "web.toml:2:3: a target runs nothing: `listen` belongs to a service"},
    {"[service]\ntype = \"oneshot\"\n"sv, "web.toml:1:1: [service] needs `command` or `script`"},
    {"require = [\"a\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:1: unknown key `require` at the top of the unit (did you mean `requires`?)"},
    {"wanted_by = [\"a\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:1: unknown key `wanted_by` at the top of the unit (did you mean `wanted-by`?)"},
    {"requires = \"net\"\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:12: `requires`: expected an array of unit names, found the string \"net\" (write [\"net\"])"},
    {"requires = [1]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: expected the name of a unit, found the integer 1 (write \"1\")"},
    {"requires = [\"net work\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"net work\" is no unit name: a name consists of letters, digits and _ . @ : -"},
    {"requires = [\"net.toml\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"net.toml\" is a file (a unit is named without its suffix: \"net\")"},
    {"requires = [\"/etc/miniinit/net\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"/etc/miniinit/net\" is no unit name: a name consists of letters, digits and _ . @ : "
     "- (a unit is named without its directory: \"net\")"},
    {"wants = [\"getty@\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:10: `wants`: \"getty@\" is a template (name an instance of it: \"getty@NAME\")"},
    {"after = [\"web\"]\n[service]\ncommand = [\"/x\"]\n"sv, "web.toml:1:10: `after`: a unit cannot name itself"},
    {"requires = [\"\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"\" is no unit name: a name cannot be empty"},
    {"requires = [\"a\"]\nconflicts = [\"a\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:2:1: \"a\" stands in both `requires` and `conflicts`, which contradict each other"},
    {"after = [\"a\"]\nbefore = [\"a\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:2:1: \"a\" stands in both `after` and `before`, which contradict each other"},
    {"enabled = \"yes\"\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:11: `enabled`: expected true or false, found the string \"yes\" (write true)"},
    {"description = 5\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:15: `description`: expected a string, found the integer 5 (write \"5\")"},
    {"documentation = { a = 1 }\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:17: `documentation`: expected an array of strings, found a table"},
    {"[Service]\ncommand = [\"/x\"]\n"sv, "web.toml:1:2: unknown table [Service] (did you mean [service]?)"},
    {"[proces]\n[service]\ncommand = [\"/x\"]\n"sv, "web.toml:1:2: unknown table [proces] (did you mean [process]?)"},
    {"[install]\n[service]\ncommand = [\"/x\"]\n"sv, "web.toml:1:2: unknown table [install]"},
    {"[service]\ncommand = [\"/x\"]\nuser = \"www\"\n"sv,
     "web.toml:3:1: unknown key `user` in [service] (`user` belongs in [process])"},
    {"[service]\ncommand = [\"/x\"]\nrequires = [\"a\"]\n"sv,
     "web.toml:3:1: unknown key `requires` in [service] (`requires` belongs at the top of the unit)"},
    {"[service]\nExecStart = \"/x\"\n"sv,
     "web.toml:2:1: unknown key `ExecStart` in [service] (did you mean `command`?)"},
    {"[service]\ncommand = [\"/x\"]\nRestart = \"no\"\n"sv,
     "web.toml:3:1: unknown key `Restart` in [service] (did you mean `restart`?)"},
    {"[service]\ncommand = [\"/x\"]\nrestart = no\n"sv,
     "web.toml:3:11: a string has to stand in quotes (write \"no\")"},
    {"[service]\ncommand = [\"/x\"]\nrestart = \"on-fail\"\n"sv,
     "web.toml:3:11: `restart`: expected \"no\", \"on-failure\", \"on-abnormal\" or \"always\", found the string "
     "\"on-fail\" (did you mean \"on-failure\"?)"},
    {"[service]\ncommand = [\"/x\"]\nrestart = false\n"sv,
     "web.toml:3:11: `restart`: expected \"no\", \"on-failure\", \"on-abnormal\" or \"always\", found the boolean "
     "false (did you mean \"no\"?)"},
    {"[service]\ncommand = [\"/x\"]\nrestart = \"sometimes\"\n"sv,
     "web.toml:3:11: `restart`: expected \"no\", \"on-failure\", \"on-abnormal\" or \"always\", found the string "
     "\"sometimes\""},
    {"[service]\ncommand = [\"/x\"]\ntype = \"daemon\"\n"sv,
     "web.toml:3:8: `type`: expected \"simple\", \"oneshot\", \"forking\", \"notify\" or \"notify-fd\", found the "
     "string \"daemon\" (did you mean \"simple\"? \"forking\" is for what goes into the background by itself)"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"dbus\"\n"sv,
     "web.toml:3:8: `type`: expected \"simple\", \"oneshot\", \"forking\", \"notify\" or \"notify-fd\", found the "
     "string \"dbus\" (did you mean \"simple\"?)"},
    {"[service]\ncommand = [\"/x\"]\nrestart = true\n"sv,
     "web.toml:3:11: `restart`: expected \"no\", \"on-failure\", \"on-abnormal\" or \"always\", found the boolean "
     "true (did you mean \"always\"? \"on-failure\" restarts it only after a failure)"},
    {"[service]\ncommand = [\"/x\"]\nrestart = \"unless-stopped\"\n"sv,
     "web.toml:3:11: `restart`: expected \"no\", \"on-failure\", \"on-abnormal\" or \"always\", found the string "
     "\"unless-stopped\" (did you mean \"always\"?)"},
    {"[service]\ncommand = [\"/x\"]\nkill-mode = \"control-group\"\n"sv,
     "web.toml:3:13: `kill-mode`: expected \"group\", \"process\" or \"mixed\", found the string "
     "\"control-group\" (did you mean \"group\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdout = \"/srv/out\"\n"sv,
     "web.toml:4:10: `stdout`: expected \"log\", \"console\", \"null\", \"inherit\", \"socket\" or \"file:PATH\", "
     "found the string \"/srv/out\" (write \"file:/srv/out\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdout = \"journal\"\n"sv,
     "web.toml:4:10: `stdout`: expected \"log\", \"console\", \"null\", \"inherit\", \"socket\" or \"file:PATH\", "
     "found the string \"journal\" (did you mean \"log\"?)"},
    {"[service]\ncommand = [\"/x\"]\nstart-timeout = \"5 minutes\"\n"sv,
     "web.toml:3:17: `start-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the "
     "string \"5 minutes\" (write \"5min\")"},
    {"[service]\ncommand = [\"/x\"]\nstart-timeout = \"infinity\"\n"sv,
     "web.toml:3:17: `start-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the "
     "string \"infinity\" (where there may be no bound, that is \"0\")"},
    {"# shop\n\n[Unit]\nDescription=Shop\n[Service]\nExecStart=/usr/bin/shop\n"sv,
     "web.toml:3:1: this is a unit of systemd, which has another language (call it NAME.service; `minictl convert "
     "NAME.service` prints it as ours)"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"fork\"\n"sv,
     "web.toml:3:8: `type`: expected \"simple\", \"oneshot\", \"forking\", \"notify\" or \"notify-fd\", found the "
     "string \"fork\" (did you mean \"forking\"?)"},
    {"[service]\ncommand = [\"/x\"]\ntype = 1\n"sv, "web.toml:3:8: `type`: expected \"simple\", \"oneshot\", "
                                                    "\"forking\", \"notify\" or \"notify-fd\", found the integer 1"},
    {"[service]\ncommand = []\n"sv, "web.toml:2:11: `command`: the command is empty"},
    {"[service]\ncommand = [\"\"]\n"sv, "web.toml:2:11: `command`: the command is empty"},
    {"[service]\ncommand = \"\"\n"sv, "web.toml:2:11: `command`: the command is empty"},
    {"[service]\ncommand = \"bin/x\"\n"sv,
     "web.toml:2:11: `command`: \"bin/x\" is relative: give an absolute path, or a bare name to be looked up in PATH"},
    {"[service]\ncommand = \"./x\"\n"sv,
     "web.toml:2:11: `command`: \"./x\" is relative: give an absolute path, or a bare name to be looked up in PATH"},
    {"[service]\ncommand = \"/x 'a\"\n"sv,
     "web.toml:2:11: `command`: unterminated single quote in the string \"/x 'a\""},
    {"[service]\ncommand = '/x \"a'\n"sv,
     "web.toml:2:11: `command`: unterminated double quote in the string \"/x \"a\""},
    {"[service]\ncommand = '/x \\'\n"sv, "web.toml:2:11: `command`: backslash at the end in the string \"/x \\\""},
    {"[service]\ncommand = [\"/x\", 8080]\n"sv,
     "web.toml:2:18: `command`: expected a string, found the integer 8080 (write \"8080\")"},
    {"[service]\ncommand = true\n"sv,
     "web.toml:2:11: `command`: expected a command: an array of strings, or one string, found the boolean true"},
    {"[service]\ncommand = \"-/x\"\n"sv, "web.toml:2:11: `command`: \"-/x\" cannot be a program"},
    {"[service]\ncommand = [\"/x\"]\nscript = \"true\"\n"sv,
     "web.toml:3:1: `command` and `script` exclude each other: one thing runs"},
    {"[service]\nscript = \" \"\n"sv, "web.toml:2:10: `script`: the script is empty"},
    {"[service]\nscript = [\"true\"]\n"sv, "web.toml:2:10: `script`: expected a string, found an array"},
    {"[service]\ncommand = [\"/x\"]\npre-start = [\"/bin/mkdir\", \"-p\", \"/x\"]\n"sv,
     "web.toml:3:13: `pre-start`: this is a list of commands, and \"-p\" cannot be one (one command of several words "
     "is [[\"\342\200\246\", \"\342\200\246\"]])"},
    {"[service]\ncommand = [\"/x\"]\npre-start = [[]]\n"sv, "web.toml:3:14: `pre-start`: the command is empty"},
    {"[service]\ncommand = [\"/x\"]\npost-stop = 3\n"sv,
     "web.toml:3:13: `post-stop`: expected a command: an array of strings, or one string, found the integer 3"},
    {"[service]\ncommand = [\"/x\"]\nreload-command = \"/r\"\nreload-signal = \"HUP\"\n"sv,
     "web.toml:4:1: `reload-command` and `reload-signal` exclude each other"},
    {"[service]\ncommand = [\"/x\"]\nstart-timeout = 5\n"sv,
     "web.toml:3:17: `start-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the integer "
     "5 (write \"5s\")"},
    {"[service]\ncommand = [\"/x\"]\nstart-timeout = \"5\"\n"sv,
     "web.toml:3:17: `start-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the string "
     "\"5\" (write \"5s\")"},
    {"[service]\ncommand = [\"/x\"]\nstop-timeout = \"5m\"\n"sv,
     "web.toml:3:16: `stop-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the string "
     "\"5m\" (write \"5min\")"},
    {"[service]\ncommand = [\"/x\"]\nstop-timeout = \"10sec\"\n"sv,
     "web.toml:3:16: `stop-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the string "
     "\"10sec\" (write \"10s\")"},
    {"[service]\ncommand = [\"/x\"]\nrestart-delay = \"-1s\"\n"sv,
     "web.toml:3:17: `restart-delay`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the string "
     "\"-1s\""},
    {"[service]\ncommand = [\"/x\"]\nrestart-delay = \"1000y\"\n"sv,
     "web.toml:3:17: `restart-delay`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the string "
     "\"1000y\""},
    {"[service]\ncommand = [\"/x\"]\nrestart-delay = \"1h\"\nrestart-delay-max = \"1min\"\n"sv,
     "web.toml:3:1: `restart-delay` 1h is longer than `restart-delay-max` 1min"},
    {"[service]\ncommand = [\"/x\"]\nrestart-limit = -1\n"sv,
     "web.toml:3:17: `restart-limit`: expected an integer of at least 0, found the integer -1"},
    {"[service]\ncommand = [\"/x\"]\nrestart-limit = \"3\"\n"sv,
     "web.toml:3:17: `restart-limit`: expected an integer, found the string \"3\" (write 3 without quotes)"},
    {"[service]\ncommand = [\"/x\"]\nrestart-limit = 1.5\n"sv,
     "web.toml:3:17: `restart-limit`: expected an integer, found a number with a fraction"},
    {"[service]\ncommand = [\"/x\"]\nsuccess-exit = 0\n"sv,
     "web.toml:3:16: `success-exit`: expected an array of exit codes and signal names, found the integer 0"},
    {"[service]\ncommand = [\"/x\"]\nsuccess-exit = [256]\n"sv,
     "web.toml:3:17: `success-exit`: expected an integer from 0 to 255, found the integer 256"},
    {"[service]\ncommand = [\"/x\"]\nsuccess-exit = [\"SIGTREM\"]\n"sv,
     "web.toml:3:17: `success-exit`: expected a signal such as \"SIGTERM\", found the string \"SIGTREM\" (did you mean "
     "\"SIGTERM\"?)"},
    {"[service]\ncommand = [\"/x\"]\nsuccess-exit = []\n"sv,
     "web.toml:3:16: `success-exit`: is empty: then nothing would ever succeed (the default is [0])"},
    {"[service]\ncommand = [\"/x\"]\nstop-signal = \"SIGTEM\"\n"sv,
     "web.toml:3:15: `stop-signal`: expected a signal such as \"SIGTERM\", found the string \"SIGTEM\" (did you mean "
     "\"SIGTERM\"?)"},
    {"[service]\ncommand = [\"/x\"]\nstop-signal = 65\n"sv,
     "web.toml:3:15: `stop-signal`: expected a signal such as \"SIGTERM\", found the integer 65"},
    {"[service]\ncommand = [\"/x\"]\nkill-mode = \"cgroup\"\n"sv,
     "web.toml:3:13: `kill-mode`: expected \"group\", \"process\" or \"mixed\", found the string \"cgroup\" (did you "
     "mean \"group\"?)"},
    {"[service]\ncommand = [\"+/x\"]\n"sv, "web.toml:2:11: `command`: a '+' is for the commands around this one"},
    {"[service]\ncommand = [\"/x\"]\nready-fd = 4\n"sv, "web.toml:3:1: `ready-fd` is for type = \"notify-fd\" only"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"notify-fd\"\nready-fd = 1\n"sv,
     "web.toml:4:12: `ready-fd`: expected an integer from 3 to 255, found the integer 1"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"oneshot\"\nrestart = \"always\"\n"sv,
     "web.toml:4:1: a oneshot stays done: restart = \"always\" would run it for ever (write type = \"simple\", or "
     "restart = \"on-failure\")"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"oneshot\"\nwatchdog = \"5s\"\n"sv,
     "web.toml:4:1: a oneshot has no watchdog: `start-timeout` bounds it"},
    {"[service]\ncommand = [\"/x\"]\nactivation = \"on-demand\"\n"sv,
     "web.toml:3:1: activation = \"on-demand\" needs a [[listen]]"},
    {"[service]\ncommand = [\"/x\"]\nexit-action = \"power-off\"\n"sv,
     "web.toml:3:15: `exit-action`: expected \"none\", \"shutdown\", \"reboot\" or \"poweroff\", found the string "
     "\"power-off\" (did you mean \"poweroff\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nuser = \"a b\"\n"sv,
     "web.toml:4:8: `user`: expected a name or number, found the string \"a b\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nuser = -1\n"sv,
     "web.toml:4:8: `user`: expected a name or number, found the integer -1"},
    {"[service]\ncommand = [\"/x\"]\n[process]\numask = 22\n"sv,
     "web.toml:4:9: `umask`: expected an octal mode such as \"0644\", found the integer 22 (write \"022\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\numask = \"999\"\n"sv,
     "web.toml:4:9: `umask`: expected an octal mode such as \"0644\", found the string \"999\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nnice = 20\n"sv,
     "web.toml:4:8: `nice`: expected an integer from -20 to 19, found the integer 20"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nbind-paths = [\"/a:b\"]\n"sv,
     "web.toml:4:15: `bind-paths`: expected SOURCE or SOURCE:PATH, absolute paths without \"..\", and PATH is not the "
     "root, found the string \"/a:b\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nprotect-proc = \"hidden\"\n"sv,
     "web.toml:4:16: `protect-proc`: expected \"default\", \"noaccess\", \"invisible\" or \"ptraceable\", found the "
     "string "
     "\"hidden\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nworking-directory = \"srv\"\n"sv,
     "web.toml:4:21: `working-directory`: expected an absolute path, found the string \"srv\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment = [\"A=1\"]\n"sv,
     "web.toml:4:15: `environment`: expected a table of strings, found an array (write { A = \"1\" })"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment = \"a.b=x y\"\n"sv,
     "web.toml:4:15: `environment`: expected a table of strings, found the string \"a.b=x y\" (write { \"a.b\" = \"x "
     "y\" })"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { nofile = \"infinity\" }\n"sv,
     "web.toml:4:21: `limits`: expected a number or \"unlimited\", found the string \"infinity\" (write "
     "\"unlimited\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { nofile = \"1024\" }\n"sv,
     "web.toml:4:21: `limits`: expected a number or \"unlimited\", found the string \"1024\" (write 1024 without "
     "quotes)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment = { \"A B\" = \"1\" }\n"sv,
     "web.toml:4:17: `environment`: \"A B\" cannot be the name of a variable"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment = { discovery.type = \"single-node\" }\n"sv,
     "web.toml:4:17: `environment`: expected a string, found a table (a name with a dot stands in quotes: "
     "\"discovery.type\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment = { PORT = 80 }\n"sv,
     "web.toml:4:24: `environment`: expected a string, found the integer 80 (write \"80\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment-from = { \"A B\" = \"/a\" }\n"sv,
     "web.toml:4:22: `environment-from`: \"A B\" cannot be the name of a variable"},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncredentials = { \"../a\" = \"/a\" }\n"sv,
     "web.toml:4:17: `credentials`: \"../a\" cannot be the name of a credential"},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncredentials = { a = \"etc/a\" }\n"sv,
     "web.toml:4:21: `credentials`: expected an absolute path, or the name of a credential of the machine, found the "
     "string \"etc/a\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncredentials = [\"a=/b\"]\n"sv,
     "web.toml:4:15: `credentials`: expected a table of paths such as { db-password = \"/run/secrets/db\" }, found an "
     "array (write { a = \"/b\" })"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenvironment-files = [\"-etc/x\"]\n"sv,
     "web.toml:4:22: `environment-files`: expected an absolute path, found the string \"-etc/x\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\npass-environment = [\"A B\"]\n"sv,
     "web.toml:4:21: `pass-environment`: \"A B\" cannot be the name of a variable"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { nofiles = 1 }\n"sv,
     "web.toml:4:12: `limits`: there is no limit \"nofiles\" (did you mean \"nofile\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { core = [2, 1] }\n"sv,
     "web.toml:4:19: `limits`: the soft limit of \"core\" is above the hard one"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { nofile = \"many\" }\n"sv,
     "web.toml:4:21: `limits`: expected a number or \"unlimited\", found the string \"many\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlimits = { nofile = [1] }\n"sv,
     "web.toml:4:21: `limits`: expected [soft, hard], found an array"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdout = \"syslog\"\n"sv,
     "web.toml:4:10: `stdout`: expected \"log\", \"console\", \"null\", \"inherit\", \"socket\" or \"file:PATH\", "
     "found the string \"syslog\" (did you mean \"log\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdout = \"file:log\"\n"sv,
     "web.toml:4:10: `stdout`: expected file: and an absolute path, found the string \"file:log\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdin = \"tty\"\n"sv,
     "web.toml:4:1: stdin = \"tty\" needs `tty`: which terminal"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstdin = \"socket\"\n"sv,
     "web.toml:4:1: stdin = \"socket\" needs one [[listen]], or accept = true"},
    {"[service]\ncommand = [\"/x\"]\n[process]\ntty = \"tty1\"\n"sv,
     "web.toml:4:7: `tty`: expected a path below /dev, found the string \"tty1\" (write \"/dev/tty1\")"},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncapabilities = [\"net_bind_service\"]\n"sv,
     "web.toml:4:16: `capabilities`: \"net_bind_service\" is no capability (did you mean \"CAP_NET_BIND_SERVICE\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nscheduling = \"fifo:100\"\n"sv,
     "web.toml:4:14: `scheduling`: expected \"other\", \"batch\", \"idle\", \"fifo:1\" to \"fifo:99\" or \"rr:1\" to "
     "\"rr:99\", found the string \"fifo:100\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nio-priority = \"low\"\n"sv,
     "web.toml:4:15: `io-priority`: expected \"idle\", \"best-effort:0\" to \"best-effort:7\" or \"realtime:0\" to "
     "\"realtime:7\", found the string \"low\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncpu-affinity = [\"3-1\"]\n"sv,
     "web.toml:4:17: `cpu-affinity`: expected a processor number, or a range such as \"0-3\", found the string "
     "\"3-1\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nruntime-directory = \"miniinit\"\n"sv,
     "web.toml:4:21: `runtime-directory`: \"miniinit\" is the init's own, which no service can have"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstate-directory = \"miniinit/boot\"\n"sv,
     "web.toml:4:19: `state-directory`: \"miniinit/boot\" is the init's own, which no service can have"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nlogs-directory = \"miniinit\"\n"sv,
     "web.toml:4:18: `logs-directory`: \"miniinit\" is the init's own, which no service can have"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nruntime-directory = \"log\"\n"sv,
     "web.toml:4:21: `runtime-directory`: \"log\" is the init's own, which no service can have"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nruntime-directory = \"log/miniinit/x\"\n"sv,
     "web.toml:4:21: `runtime-directory`: \"log/miniinit/x\" is the init's own, which no service can have"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/run/miniinit/control\"\nuser = \"www\"\n"sv,
     "web.toml:4:10: `stream`: \"/run/miniinit/control\" is in a directory of the init's own"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/var/log/miniinit\"\nuser = \"www\"\n"sv,
     "web.toml:4:10: `stream`: \"/var/log/miniinit\" is in a directory of the init's own"},
    {"requires = [\"syslog\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"syslog\" is no unit name: miniinit, kernel and syslog are the names of the init's "
     "own "
     "logs"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nruntime-directory = \"../etc\"\n"sv,
     "web.toml:4:21: `runtime-directory`: \"../etc\" has to be a plain relative path, without \"..\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nsystem-call-filter = [\"@default\", \"raed\"]\n"sv,
     "web.toml:4:35: `system-call-filter`: there is no system call \"raed\" (did you mean \"read\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nsystem-call-filter = [\"~@netwrk-io\"]\n"sv,
     "web.toml:4:23: `system-call-filter`: there is no group \"@netwrk-io\" of system calls (did you mean "
     "\"@network-io\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nsystem-call-filter = [\"mount\", \"clock\"]\n"sv,
     "web.toml:4:32: `system-call-filter`: there is no system call \"clock\" (did you mean \"@clock\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nsystem-call-filter = [\"!execve\"]\n"sv,
     "web.toml:4:23: `system-call-filter`: \"execve\" cannot be denied: the service could not be started or ended "
     "without it"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nsystem-call-error = \"EPREM\"\n"sv,
     "web.toml:4:21: `system-call-error`: expected \"kill\", \"EPERM\", \"EACCES\", \"ENOSYS\", \"EINVAL\", "
     "\"ENOTSUP\", \"EUCLEAN\" or \"ENOENT\", found the string \"EPREM\" (did you mean \"EPERM\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nread-only-paths = [\"-etc\"]\n"sv,
     "web.toml:4:20: `read-only-paths`: expected an absolute path without \"..\", found the string \"-etc\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\ninaccessible-paths = [\"/srv/../etc\"]\n"sv,
     "web.toml:4:23: `inaccessible-paths`: expected an absolute path without \"..\", found the string \"/srv/../etc\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\ncpu-affinity = []\n"sv,
     "web.toml:4:16: `cpu-affinity`: is empty: it would run on no processor (all of them are [\"0-8191\"])"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nstate-directory = \"a:b\"\n"sv,
     "web.toml:4:19: `state-directory`: \"a:b\" has a ':', which separates the directories in the environment"},
    {"[service]\ncommand = [\"/x\"]\n[log]\nrate-limit = \"10/1.5s\"\n"sv,
     "web.toml:4:14: `rate-limit`: expected lines a second, or \"LINES/DURATION\" with a duration of whole seconds, "
     "such as "
     "\"1000/30s\", found the string \"10/1.5s\""},
    {"[service]\ncommand = [\"/x\"]\n[log]\nrate-limit = -1\n"sv,
     "web.toml:4:14: `rate-limit`: expected an integer from 0 to 1000000000, found the integer -1"},
    {"[service]\ncommand = [\"/x\"]\n[process]\nprotect-system = \"all\"\n"sv,
     "web.toml:4:18: `protect-system`: expected \"no\", \"yes\", \"full\" or \"strict\", found the string \"all\""},
    {"[service]\ncommand = [\"/x\"]\n[process]\nenv = { A = \"1\" }\n"sv,
     "web.toml:4:1: unknown key `env` in [process] (did you mean `environment`?)"},
    {"[service]\ncommand = [\"/x\"]\n[[process]]\nuser = \"x\"\n"sv,
     "web.toml:3:1: [[process]] can only be there once (write [process])"},
    {"[service]\ncommand = [\"/x\"]\nprocess = 3\n"sv, "web.toml:3:1: unknown key `process` in [service]"},
    {"process = 3\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:1: `process`: expected a table, found the integer 3 (write [process])"},
    {"[service]\ncommand = [\"/x\"]\n[cgroup]\nmemory-max = \"64KB\"\n"sv,
     "web.toml:4:14: `memory-max`: expected a size such as \"64K\" or \"10M\", found the string \"64KB\" (write "
     "\"64K\")"},
    {"[service]\ncommand = [\"/x\"]\n[cgroup]\nmemory-max = \"lots\"\n"sv,
     "web.toml:4:14: `memory-max`: expected a size such as \"64K\" or \"10M\", found the string \"lots\""},
    {"[service]\ncommand = [\"/x\"]\n[cgroup]\ncpu-max = 50\n"sv,
     "web.toml:4:11: `cpu-max`: expected a percentage such as \"150%\", found the integer 50 (write \"50%\")"},
    {"[service]\ncommand = [\"/x\"]\n[cgroup]\ncpu-weight = 0\n"sv,
     "web.toml:4:14: `cpu-weight`: expected an integer from 1 to 10000, found the integer 0"},
    {"[service]\ncommand = [\"/x\"]\n[listen]\nstream = \"/x\"\n"sv,
     "web.toml:3:2: `listen` is an array of tables (write [[listen]])"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\n"sv,
     "web.toml:3:1: [[listen]] needs `stream`, `datagram`, `sequential-packet` or `fifo`"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"8080\"\n"sv,
     "web.toml:4:10: `stream`: expected HOST:PORT, [V6]:PORT, /path or @name, with a numeric HOST, * or localhost, "
     "found the string \"8080\" (write \"*:8080\")"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"example.com:80\"\n"sv,
     "web.toml:4:10: `stream`: expected HOST:PORT, [V6]:PORT, /path or @name, with a numeric HOST, * or localhost, "
     "found the string \"example.com:80\""},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/a\"\ndatagram = \"/b\"\n"sv,
     "web.toml:4:10: `stream`: one entry of [[listen]] has one address (write a second [[listen]])"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"*:80\"\nmode = \"0600\"\n"sv,
     "web.toml:5:1: `mode` is for addresses that are a /path"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\ndatagram = \"*:53\"\naccept = true\n"sv,
     "web.toml:5:1: `accept` is for `stream` and `sequential-packet`"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nfifo = \"x\"\n"sv,
     "web.toml:4:8: `fifo`: expected an absolute path, found the string \"x\""},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/x\"\nmax-connections = 3\n"sv,
     "web.toml:5:1: `max-connections` needs accept = true"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/a\"\n[[listen]]\nstream = \"/b\"\n[process]\nstdin = \"socket\"\n"sv,
     "web.toml:8:1: stdin = \"socket\" needs one [[listen]], or accept = true"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/a\"\naccept = true\n[[listen]]\ndatagram = \"/b\"\n"sv,
     "web.toml:1:1: accept = true stands in one [[listen]], so it has to stand in all: nothing would serve \"/b\""},
    {"[service]\ncommand = [\"/x\"]\ntype = \"notify\"\n[[listen]]\nstream = \"/a\"\naccept = true\n"sv,
     "web.toml:3:1: accept = true runs one process for each connection, which is of type = \"simple\""},
    {"[service]\ncommand = [\"/x\"]\npre-start = [\"/y\"]\n[[listen]]\nstream = \"/a\"\naccept = true\n"sv,
     "web.toml:3:1: `pre-start` is about a main process, and accept = true has none"},
    {"[service]\ncommand = [\"/x\"]\n[process]\npid-file = \"/run/x\"\n[[listen]]\nstream = \"/a\"\naccept = true\n"sv,
     "web.toml:4:1: `pid-file` is about a main process, and accept = true has none"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\nevery = \"1h\"\n[[listen]]\nstream = \"/a\"\naccept = true\n"sv,
     "web.toml:1:1: [timer] runs a main process, and accept = true has none"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/a\"\n[[listen]]\nstream = \"/a\"\n"sv,
     "web.toml:1:1: two [[listen]] have the address \"/a\""},
    {"[service]\ncommand = [\"/x\"]\ntype = \"notify-fd\"\n[[listen]]\nstream = \"/a\"\n"sv,
     "web.toml:3:1: `ready-fd` 3 is where the service finds its socket: sockets are passed from descriptor 3 on (write "
     "ready-fd = 4)"},
    {"[service]\ncommand = [\"/x\"]\ntype = \"notify-fd\"\nready-fd = 4\n[[listen]]\nstream = \"/a\"\n[[listen]]\nstream = \"/b\"\n"sv,
     "web.toml:4:1: `ready-fd` 4 is where the service finds its socket: sockets are passed from descriptor 3 on (write "
     "ready-fd = 5)"},
    {"[service]\ncommand = [\"/x\"]\n[[listen]]\nstream = \"/a\"\nname = \"a:b\"\n"sv,
     "web.toml:5:1: `name` must have no ':', no control characters and at most 255 characters"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\njitter = \"1s\"\n"sv,
     "web.toml:3:1: [timer] needs `every`, `calendar` or `after-boot`"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\ncalendar = \"daily; rm\"\n"sv,
     "web.toml:4:12: `calendar`: \"daily; rm\" is no calendar expression: \"daily;\" is no weekday, nor a word such "
     "as daily (did you mean \"daily\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\ncalendar = [\"daily\", \"Mon 25:00\"]\n"sv,
     "web.toml:4:22: `calendar`: \"Mon 25:00\" is no calendar expression: \"25\" is no hour (0 to 23)"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\ncalendar = \"dayly\"\n"sv,
     "web.toml:4:12: `calendar`: \"dayly\" is no calendar expression: \"dayly\" is no weekday, nor a word such as "
     "daily (did you mean \"daily\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\ncalendar = []\n"sv,
     "web.toml:3:1: [timer] needs `every`, `calendar` or `after-boot`"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\ncalendar = 4\n"sv,
     "web.toml:4:12: `calendar`: expected a calendar expression, such as \"Mon..Fri 04:00\" or \"daily\", found the "
     "integer 4 (write \"4\")"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\nevery = \"1ms\"\n"sv,
     "web.toml:4:1: `every` is less than 100ms: a timer is for what is done now and then"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\nevery = \"1min\"\njitter = \"1min\"\n"sv,
     "web.toml:5:1: `jitter` 1min is not shorter than `every` 1min"},
    {"[service]\ncommand = [\"/x\"]\n[timer]\nafter-boot = \"1min\"\npersistent = true\n"sv,
     "web.toml:5:1: `persistent` needs `every` or `calendar`: `after-boot` is of each boot"},
    {"[service]\ncommand = [\"/x\"]\n[condition]\npath-exists = \"etc\"\n"sv,
     "web.toml:4:15: `path-exists`: expected an absolute path, found the string \"etc\""},
    {"[service]\ncommand = [\"/x\"]\n[condition]\ncontainer = \"yes\"\n"sv,
     "web.toml:4:13: `container`: expected true or false, found the string \"yes\" (write true)"},
    {"[service]\ncommand = [\"/x\"]\n[condition]\ncapability = \"sys_admin\"\n"sv,
     "web.toml:4:14: `capability`: \"sys_admin\" is no capability (did you mean \"CAP_SYS_ADMIN\"?)"},
    {"[service]\ncommand = [\"/x\"]\n[condition]\nfile-exists = \"/x\"\n"sv,
     "web.toml:4:1: unknown key `file-exists` in [condition]"},
    {"[service]\ncommand = [\"/x\"]\n[log]\nrotate-size = \"10MB\"\n"sv,
     "web.toml:4:15: `rotate-size`: expected a size such as \"64K\" or \"10M\", found the string \"10MB\" (write "
     "\"10M\")"},
    {"[service\ncommand = [\"/x\"]\n"sv, "web.toml:1:9: not valid TOML: table header: expected ']', saw '\\n'"},
    {"[service]\ncommand = [\"/x\"\nrestart = \"no\"\n"sv, "web.toml:2:11: this bracket is never closed"},
    {"[service]\ncommand = [\"/x\" \"-v\"]\n"sv,
     "web.toml:2:17: not valid TOML: array: expected comma or closing ']', saw '\"'"},
    {"[service]\ncommand = \"/x\n"sv, "web.toml:2:11: this string is never closed"},
    {"[service]\ncommand = [\"/x\"]\nscript = \"\"\"\nrun\n"sv, "web.toml:3:10: this string is never closed"},
    {"[service]\ncommand = [\"/x\"]\ncommand = [\"/y\"]\n"sv,
     "web.toml:3:11: not valid TOML: key-value pair: cannot redefine existing array 'command'"},
    {"[service]\ncommand =\n"sv, "web.toml:2:9: no value after `=`"},
    {"[service]\ncommand /x\n"sv, "web.toml:2:9: not valid TOML: key-value pair: expected '=', saw '/'"},
    {"[service]\n\tcommand = [\"/x\"]\ncaf\303\251 = 1\n"sv,
     "web.toml:3:4: letters beyond ASCII may stand only in strings and comments"},
    {"[service]\ncommand = [\"/x\\q\"]\n"sv, "web.toml:2:16: not valid TOML: string: unknown escape sequence '\\q'"},
    {"[service]\ncommand = [\"/x\"]\nx = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n"sv,
     "web.toml:3:21: nested too deeply"},
    {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s = 1\n"sv, "web.toml:1:34: a key of too many parts"},
    {"description = \"a\\u0000b\"\n[service]\ncommand = [\"/x\"]\n"sv, "web.toml:1:15: a string that contains a NUL"},
    {"\302\240[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:1: letters beyond ASCII may stand only in strings and comments"},
    {"[service]\ncommand = [\"/x\377\"]\n"sv, "web.toml:2:15: not UTF-8 text"},
    {"[service]\ncommand = [\"/x\"] # \000\n"sv, "web.toml:2:20: a NUL byte"},
    {"requires = [\"\303\274bung\"]\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:13: `requires`: \"\303\274bung\" is no unit name: a name consists of letters, digits and _ . @ : -"},
    {"description = \"gr\303\274n\" x\n[service]\ncommand = [\"/x\"]\n"sv,
     "web.toml:1:22: not valid TOML: key-value pair: expected a comment or whitespace, saw 'x'"},
};

} // namespace

TEST_CASE("every broken unit is invalid for the reason that is expected, and says where") {
    TestDirectory directory;
    for (const Broken& each : broken) {
        directory.write("etc/web.toml", each.text);
        Loaded loaded = load(directory.source());
        REQUIRE(loaded.units.size() == 1);
        CAPTURE(each.text);
        std::string fault = loaded.units[0].fault;
        std::string prefix = directory.path("etc/");
        REQUIRE(fault.starts_with(prefix));
        CHECK(fault.substr(prefix.size()) == each.message);
        CHECK(loaded.units[0].name == "web");
    }
}

TEST_CASE("every problem of a file is reported, also around syntax errors") {
    TestDirectory directory;
    directory.write("etc/web.toml", "description = \"x\n"
                                    "requires = [\"a\" \"b\"]\n"
                                    "wants = [\"q\",\n"
                                    "after = [ \"a\",\n"
                                    "  \"b\" \"c\",\n"
                                    "  \"d\" ]\n"
                                    "[service]\n"
                                    "command = [\"a\", \"b\"\n"
                                    "restart = no\n"
                                    "stop-timeout = 5\n"
                                    "colour = \"red\"\n"
                                    "[process]\n"
                                    "user = 1.5\n");
    CHECK(
        problems(load(directory.source()), directory) ==
        "etc/web.toml:1:15: this string is never closed\n"
        "etc/web.toml:2:17: not valid TOML: array: expected comma or closing ']', saw '\"'\n"
        "etc/web.toml:3:9: this bracket is never closed\n"
        "etc/web.toml:5:7: not valid TOML: array: expected comma or closing ']', saw '\"'\n"
        "etc/web.toml:8:11: this bracket is never closed\n"
        "etc/web.toml:9:11: a string has to stand in quotes (write \"no\")\n"
        "etc/web.toml:10:16: `stop-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the "
        "integer 5 (write \"5s\")\n"
        "etc/web.toml:11:1: unknown key `colour` in [service]\n"
        "etc/web.toml:13:8: `user`: expected a name or number, found a number with a fraction\n");
}

TEST_CASE("an invalid unit keeps the dependencies that could be read") {
    TestDirectory directory;
    directory.write("etc/web.toml", "requires = [\"disk\"]\nwants = 5\nwanted-by = [\"default\"]\n[service]\n");
    Loaded loaded = load(directory.source());
    REQUIRE(loaded.units.size() == 1);
    CHECK_FALSE(loaded.units[0].fault.empty());
    CHECK(loaded.units[0].dependencies.size() == 2);
}

TEST_CASE("a problem is printed with its line, a caret and the suggestion") {
    Problem problem{"/etc/web.toml", 3, 11, Severity::error, "`restart`: wrong", "restart\t= \"no\x1b[31m\"",
                    "write \"no\""};
    CHECK(text(problem) == "/etc/web.toml:3:11: error: `restart`: wrong\n"
                           " 3 | restart = \"no?[31m\"\n"
                           "   |           ^\n"
                           "  = write \"no\"\n");
    CHECK(brief(problem) == "/etc/web.toml:3:11: `restart`: wrong (write \"no\")");
}

TEST_CASE("the caret stands below the right character, also behind foreign letters and in long lines") {
    Problem problem{"f", 1, 6, Severity::warning, "m", "gr\xc3\xbc\xc3\xbcnx", ""};
    CHECK(text(problem) == "f:1:6: warning: m\n 1 | gr\xc3\xbc\xc3\xbcnx\n   |      ^\n");
    Problem wide{"f", 1, 501, Severity::error, "m", std::string(500, 'a') + 'b' + std::string(500, 'c'), ""};
    std::string shown = text(wide);
    CHECK(shown.size() < 500);
    std::size_t line = shown.find(" | ") + 3, caret = shown.find(" | ", line) + 3;
    CHECK(shown[line + (shown.find('^') - caret)] == 'b');
}

} // namespace mi::config
