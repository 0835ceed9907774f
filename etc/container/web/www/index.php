<?php echo "PHP ", PHP_MAJOR_VERSION, " as user ", posix_geteuid(), "\n"; error_log("somebody was here");
