// The main of every test program: doctest's own, but where minictl executes "itself" as the init. That would run all tests in
// each of them, without end.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <string_view>

int main(int argc, char** argv) {
    if (argc > 0 && std::string_view(argv[0]) == "miniinit")
        return 70;
    return doctest::Context(argc, argv).run();
}
