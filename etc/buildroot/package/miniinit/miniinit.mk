################################################################################
#
# miniinit
#
################################################################################

# The tree that this file is part of.
MINIINIT_SITE = $(realpath $(BR2_EXTERNAL_MINIINIT_PATH)/../..)
MINIINIT_SITE_METHOD = local
MINIINIT_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude build
MINIINIT_LICENSE_FILES = LICENSE
MINIINIT_DEPENDENCIES = boost tomlplusplus zstd

# The size of the program depends on these.
MINIINIT_CONF_OPTS = \
	-DCMAKE_BUILD_TYPE=MinSizeRel \
	-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
	-DMINIINIT_STATIC=$(if $(BR2_SHARED_LIBS),OFF,ON) \
	-DMINIINIT_TOOLS=$(if $(BR2_PACKAGE_MINIINIT_TOOLS),ON,OFF) \
	-DMINIINIT_TESTS=OFF

MINIINIT_COMPONENTS = miniinit

ifeq ($(BR2_PACKAGE_MINIINIT_INIT),y)
MINIINIT_COMPONENTS += commands
define MINIINIT_LINK_INIT
	ln -sf miniinit $(TARGET_DIR)/sbin/init
endef
MINIINIT_POST_INSTALL_TARGET_HOOKS += MINIINIT_LINK_INIT
endif

ifneq ($(BR2_PACKAGE_MINIINIT_UNITS),y)
define MINIINIT_LEAVE_UNITS
	rm -rf $(TARGET_DIR)/usr/lib/miniinit
endef
MINIINIT_POST_INSTALL_TARGET_HOOKS += MINIINIT_LEAVE_UNITS
endif

define MINIINIT_INSTALL_TARGET_CMDS
	$(foreach component,$(MINIINIT_COMPONENTS),\
		$(TARGET_MAKE_ENV) DESTDIR=$(TARGET_DIR) $(BR2_CMAKE) \
			--install $(MINIINIT_BUILDDIR) --component $(component)
	)
endef

$(eval $(cmake-package))
