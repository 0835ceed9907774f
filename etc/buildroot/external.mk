include $(sort $(wildcard $(BR2_EXTERNAL_MINIINIT_PATH)/package/*/*.mk))
