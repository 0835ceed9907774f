// Entry points of libzstd that are never called here. Defining them leaves 300 KB of the library unlinked: the match
// finders of levels above 1 (log_pack.cpp uses level 1, whose strategy is `fast`), long-distance matching and
// super-blocks (both need parameters that are never set), and the formats before zstd 0.8.
//
// They are internal functions of one version of libzstd. For another version this file defines nothing, and all of
// libzstd is linked. If a name were missing here, the library's file with it would be linked together with its other
// names, and the linker would report them as defined twice.
#include <zstd.h>

#if ZSTD_VERSION_NUMBER == 10504

#include <cstddef>

// NOLINTBEGIN(readability-identifier-naming): the names are libzstd's

#define NEVER(name)                                                                                                    \
    extern "C" [[noreturn]] void name() { __builtin_trap(); }
NEVER(ZSTD_compressBlock_btlazy2)
NEVER(ZSTD_compressBlock_btlazy2_dictMatchState)
NEVER(ZSTD_compressBlock_btlazy2_extDict)
NEVER(ZSTD_compressBlock_btopt)
NEVER(ZSTD_compressBlock_btopt_dictMatchState)
NEVER(ZSTD_compressBlock_btopt_extDict)
NEVER(ZSTD_compressBlock_btultra)
NEVER(ZSTD_compressBlock_btultra2)
NEVER(ZSTD_compressBlock_btultra_dictMatchState)
NEVER(ZSTD_compressBlock_btultra_extDict)
NEVER(ZSTD_compressBlock_doubleFast)
NEVER(ZSTD_compressBlock_doubleFast_dictMatchState)
NEVER(ZSTD_compressBlock_doubleFast_extDict)
NEVER(ZSTD_compressBlock_greedy)
NEVER(ZSTD_compressBlock_greedy_dedicatedDictSearch)
NEVER(ZSTD_compressBlock_greedy_dedicatedDictSearch_row)
NEVER(ZSTD_compressBlock_greedy_dictMatchState)
NEVER(ZSTD_compressBlock_greedy_dictMatchState_row)
NEVER(ZSTD_compressBlock_greedy_extDict)
NEVER(ZSTD_compressBlock_greedy_extDict_row)
NEVER(ZSTD_compressBlock_greedy_row)
NEVER(ZSTD_compressBlock_lazy)
NEVER(ZSTD_compressBlock_lazy2)
NEVER(ZSTD_compressBlock_lazy2_dedicatedDictSearch)
NEVER(ZSTD_compressBlock_lazy2_dedicatedDictSearch_row)
NEVER(ZSTD_compressBlock_lazy2_dictMatchState)
NEVER(ZSTD_compressBlock_lazy2_dictMatchState_row)
NEVER(ZSTD_compressBlock_lazy2_extDict)
NEVER(ZSTD_compressBlock_lazy2_extDict_row)
NEVER(ZSTD_compressBlock_lazy2_row)
NEVER(ZSTD_compressBlock_lazy_dedicatedDictSearch)
NEVER(ZSTD_compressBlock_lazy_dedicatedDictSearch_row)
NEVER(ZSTD_compressBlock_lazy_dictMatchState)
NEVER(ZSTD_compressBlock_lazy_dictMatchState_row)
NEVER(ZSTD_compressBlock_lazy_extDict)
NEVER(ZSTD_compressBlock_lazy_extDict_row)
NEVER(ZSTD_compressBlock_lazy_row)
NEVER(ZSTD_compressSuperBlock)
NEVER(ZSTD_dedicatedDictSearch_lazy_loadDictionary)
NEVER(ZSTD_fillDoubleHashTable)
NEVER(ZSTD_insertAndFindFirstIndex)
NEVER(ZSTD_ldm_adjustParameters)
NEVER(ZSTD_ldm_blockCompress)
NEVER(ZSTD_ldm_fillHashTable)
NEVER(ZSTD_ldm_generateSequences)
NEVER(ZSTD_ldm_skipRawSeqStoreBytes)
NEVER(ZSTD_ldm_skipSequences)
NEVER(ZSTD_row_update)
NEVER(ZSTD_updateTree)

// Sizes of the tables for long-distance matching, which is off.
#define NOTHING(name)                                                                                                  \
    extern "C" std::size_t name() { return 0; }
NOTHING(ZSTD_ldm_getMaxNbSeq)
NOTHING(ZSTD_ldm_getTableSize)

// A file may begin like one of an old format: it is refused, with the library's general error, or by reporting that
// memory is missing.
#define REFUSED(name)                                                                                                  \
    extern "C" std::size_t name() { return static_cast<std::size_t>(-1); }
#define NONE(name)                                                                                                     \
    extern "C" void* name() { return nullptr; }
NONE(ZBUFFv05_createDCtx)
REFUSED(ZBUFFv05_decompressContinue)
REFUSED(ZBUFFv05_decompressInitDictionary)
NOTHING(ZBUFFv05_freeDCtx)
NONE(ZBUFFv06_createDCtx)
REFUSED(ZBUFFv06_decompressContinue)
REFUSED(ZBUFFv06_decompressInitDictionary)
NOTHING(ZBUFFv06_freeDCtx)
NONE(ZBUFFv07_createDCtx)
REFUSED(ZBUFFv07_decompressContinue)
REFUSED(ZBUFFv07_decompressInitDictionary)
NOTHING(ZBUFFv07_freeDCtx)
NONE(ZSTDv05_createDCtx)
REFUSED(ZSTDv05_decompress_usingDict)
extern "C" void ZSTDv05_findFrameSizeInfoLegacy(const void*, std::size_t, std::size_t* size, unsigned long long* text) {
    *size = static_cast<std::size_t>(-1);
    *text = ZSTD_CONTENTSIZE_ERROR;
}
NOTHING(ZSTDv05_freeDCtx)
REFUSED(ZSTDv05_getFrameParams)
NONE(ZSTDv06_createDCtx)
REFUSED(ZSTDv06_decompress_usingDict)
extern "C" void ZSTDv06_findFrameSizeInfoLegacy(const void*, std::size_t, std::size_t* size, unsigned long long* text) {
    *size = static_cast<std::size_t>(-1);
    *text = ZSTD_CONTENTSIZE_ERROR;
}
NOTHING(ZSTDv06_freeDCtx)
REFUSED(ZSTDv06_getFrameParams)
NONE(ZSTDv07_createDCtx)
REFUSED(ZSTDv07_decompress_usingDict)
extern "C" void ZSTDv07_findFrameSizeInfoLegacy(const void*, std::size_t, std::size_t* size, unsigned long long* text) {
    *size = static_cast<std::size_t>(-1);
    *text = ZSTD_CONTENTSIZE_ERROR;
}
NOTHING(ZSTDv07_freeDCtx)
REFUSED(ZSTDv07_getFrameParams)

// NOLINTEND(readability-identifier-naming)

#endif
