BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'tiny');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["val_acc"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'blockspace:study','{"format": "blockspace/study/1", "study": "tiny", "space": {"file": {"format": "blockspace/network/1", "network": "tiny", "blocks": {"plain_pair": "./plain_pair.yaml"}, "params": {"block": {"default": "hs", "search": {"hs": {"hs_bottleneck": {"splits": {"default": "3", "search": "3..5"}}}, "resnext": {"resnext": {"cardinality": {"default": "2", "search": ["1", "2", "4"]}}}, "mine": {"plain_pair": {}}}}, "classes": "10"}, "input": ["1", "16", "16"], "stem": [{"conv3x3": {"out": "8", "stride": "2"}}], "stages": [{"block": "block", "repeat": {"default": "1", "search": "1..3"}, "out_channels": "16", "width": {"solve": "macs", "range": "1..64", "default": "4"}}], "head": ["global_avgpool", {"linear": "classes"}]}, "input": [1, 16, 16], "settings": {"classes": 10}, "blocks": {"plain_pair": {"format": "blockspace/block/1", "block": "plain_pair", "doc": "Two convolutions beside each other.", "params": {"out_channels": "16", "stride": "1", "width": "4"}, "flow": [{"branches": {"near": [{"conv3x3": {"out": "width", "stride": "stride"}}], "far": [{"conv3x3": {"out": "width", "stride": "stride", "dilation": "2"}}]}, "merge": "concat"}, {"conv1x1": "out_channels"}]}}}, "data": {"name": "digits", "train": 200, "val": 100, "test": 300}, "baseline": {"block": "resnext"}, "budget": {"params": null, "macs": {"low": "80%", "high": "120%"}, "acts": null, "bytes": null, "peak_memory": null, "receptive_field": null, "latency": null}, "objectives": {"val_acc": "maximize"}, "train": {"epochs": 1, "batch": 32, "accumulate": 1, "optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": true, "weight_decay": 0.0005}}, "schedule": {"cosine": {"warmup": 0.0, "floor": 0.0}}, "augment": [], "mixup": null, "cutmix": null, "label_smoothing": 0.0, "ema": null, "clip_norm": null, "precision": "32-true", "channels_last": true, "compile": false, "decay_norm_and_bias": false, "init": null, "accelerator": "auto", "devices": 1, "strategy": "auto", "loader": "auto", "workers": null, "on_oom": "fail"}, "finalists": {"take": 1, "per": "block", "epochs": null, "seeds": 1}, "compare": {"by": "block"}, "baseline_key": "v3:07ac9039940a2ff40f13ac34920d3cb4", "limits": {}, "measured": false, "search": {"sampler": "tpe", "seed": 0, "per_choice": {"block": "equal"}}}');
INSERT INTO "study_user_attributes" VALUES(2,1,'blockspace:trials','6');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(2,1,'block.hs.splits',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(3,1,'stage1.repeat',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(4,2,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(5,2,'block.hs.splits',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(6,2,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(7,3,'block',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(8,3,'block.resnext.cardinality',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4]}}');
INSERT INTO "trial_params" VALUES(9,3,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(10,4,'block',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(11,4,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(12,5,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(13,5,'block.hs.splits',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(14,5,'stage1.repeat',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(15,6,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(16,6,'block.hs.splits',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(17,6,'stage1.repeat',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(18,7,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(19,7,'block.hs.splits',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(20,7,'stage1.repeat',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(21,8,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(22,8,'block.hs.splits',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(23,8,'stage1.repeat',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(24,9,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(25,9,'block.hs.splits',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(26,9,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(27,10,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(28,10,'block.hs.splits',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(29,10,'stage1.repeat',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(30,11,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(31,11,'block.hs.splits',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(32,11,'stage1.repeat',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(33,12,'block',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(34,12,'block.hs.splits',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 3, "high": 5}}');
INSERT INTO "trial_params" VALUES(35,12,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(36,13,'block',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(37,13,'block.resnext.cardinality',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4]}}');
INSERT INTO "trial_params" VALUES(38,13,'stage1.repeat',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(39,14,'block',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["hs", "resnext", "mine"]}}');
INSERT INTO "trial_params" VALUES(40,14,'stage1.repeat',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(2,1,'constraints:macs','0.6123321123321124');
INSERT INTO "trial_system_attributes" VALUES(3,2,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(4,2,'constraints:macs','-0.11904761904761907');
INSERT INTO "trial_system_attributes" VALUES(5,2,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(6,3,'fixed_params','{"block": "resnext"}');
INSERT INTO "trial_system_attributes" VALUES(7,3,'constraints:macs','-0.005494505494505475');
INSERT INTO "trial_system_attributes" VALUES(8,3,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(9,4,'fixed_params','{"block": "mine"}');
INSERT INTO "trial_system_attributes" VALUES(10,4,'constraints:macs','-0.0494505494505495');
INSERT INTO "trial_system_attributes" VALUES(11,4,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(12,5,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(13,5,'constraints:macs','0.3205128205128205');
INSERT INTO "trial_system_attributes" VALUES(14,6,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(15,6,'constraints:macs','0.832112332112332');
INSERT INTO "trial_system_attributes" VALUES(16,7,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(17,7,'constraints:macs','1.3437118437118438');
INSERT INTO "trial_system_attributes" VALUES(18,8,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(19,8,'constraints:macs','0.2777777777777777');
INSERT INTO "trial_system_attributes" VALUES(20,9,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(21,9,'constraints:macs','-0.11904761904761907');
INSERT INTO "trial_system_attributes" VALUES(22,9,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(23,10,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(24,10,'constraints:macs','0.3205128205128205');
INSERT INTO "trial_system_attributes" VALUES(25,11,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(26,11,'tpe:relative_params:0','"{\"block\": \"resnext\", \"stage1.repeat\": 2, \"block.hs.splits\": 4, \"block.resnext.cardinality\": 1}"');
INSERT INTO "trial_system_attributes" VALUES(27,11,'constraints:macs','0.2777777777777777');
INSERT INTO "trial_system_attributes" VALUES(28,12,'fixed_params','{"block": "hs"}');
INSERT INTO "trial_system_attributes" VALUES(29,12,'tpe:relative_params:0','"{\"block\": \"resnext\", \"stage1.repeat\": 1, \"block.hs.splits\": 3, \"block.resnext.cardinality\": 4}"');
INSERT INTO "trial_system_attributes" VALUES(30,12,'constraints:macs','-0.1785714285714286');
INSERT INTO "trial_system_attributes" VALUES(31,12,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(32,13,'fixed_params','{"block": "resnext"}');
INSERT INTO "trial_system_attributes" VALUES(33,13,'tpe:relative_params:0','"{\"block\": \"hs\", \"stage1.repeat\": 1, \"block.hs.splits\": 3, \"block.resnext.cardinality\": 1}"');
INSERT INTO "trial_system_attributes" VALUES(34,13,'constraints:macs','-0.009157509157509125');
INSERT INTO "trial_system_attributes" VALUES(35,13,'constraints:diverged','0.0');
INSERT INTO "trial_system_attributes" VALUES(36,14,'fixed_params','{"block": "mine"}');
INSERT INTO "trial_system_attributes" VALUES(37,14,'tpe:relative_params:0','"{\"block\": \"mine\", \"stage1.repeat\": 2, \"block.hs.splits\": 3, \"block.resnext.cardinality\": 2}"');
INSERT INTO "trial_system_attributes" VALUES(38,14,'constraints:macs','-0.044871794871794934');
INSERT INTO "trial_system_attributes" VALUES(39,14,'constraints:diverged','0.0');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'label','"hs-s5-r2"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'key','"v3:db5a67d1bebb04580a2d71f118d7e58a"');
INSERT INTO "trial_user_attributes" VALUES(3,1,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(4,1,'costs','{"params": 1684, "macs": 84512, "acts": 6282, "bytes": 193032}');
INSERT INTO "trial_user_attributes" VALUES(5,1,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(6,1,'status','"over_budget"');
INSERT INTO "trial_user_attributes" VALUES(7,1,'violations','{"macs": 0.6123321123321124}');
INSERT INTO "trial_user_attributes" VALUES(8,1,'reason','"macs 61.2% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(9,2,'label','"hs-s5-r1"');
INSERT INTO "trial_user_attributes" VALUES(10,2,'key','"v3:8da6d7ba63b8373f49d1cfbe461b775c"');
INSERT INTO "trial_user_attributes" VALUES(11,2,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(12,2,'costs','{"params": 1011, "macs": 46176, "acts": 3914, "bytes": 111196}');
INSERT INTO "trial_user_attributes" VALUES(13,2,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(14,2,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(15,2,'violations','{"macs": -0.11904761904761907, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(16,2,'metrics','{"val_acc": 0.1, "val_loss": 2.3065435791015627}');
INSERT INTO "trial_user_attributes" VALUES(17,2,'seed','1490937302');
INSERT INTO "trial_user_attributes" VALUES(18,2,'seconds','0.3274004079999031');
INSERT INTO "trial_user_attributes" VALUES(19,3,'label','"resnext-c4-r1"');
INSERT INTO "trial_user_attributes" VALUES(20,3,'key','"v3:3f05036b41035e0770a4a3bf4b49aaaf"');
INSERT INTO "trial_user_attributes" VALUES(21,3,'families','{"block": "resnext"}');
INSERT INTO "trial_user_attributes" VALUES(22,3,'costs','{"params": 1110, "macs": 52128, "acts": 4106, "bytes": 106496}');
INSERT INTO "trial_user_attributes" VALUES(23,3,'solved','{"stage1.width": 3}');
INSERT INTO "trial_user_attributes" VALUES(24,3,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(25,3,'violations','{"macs": -0.005494505494505475, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(26,3,'metrics','{"val_acc": 0.1, "val_loss": 2.305341949462891}');
INSERT INTO "trial_user_attributes" VALUES(27,3,'seed','2683307625');
INSERT INTO "trial_user_attributes" VALUES(28,3,'seconds','0.6916198779999831');
INSERT INTO "trial_user_attributes" VALUES(29,4,'label','"mine-r1"');
INSERT INTO "trial_user_attributes" VALUES(30,4,'key','"v3:e4688d38b7ab6b7035effe437d55fb2c"');
INSERT INTO "trial_user_attributes" VALUES(31,4,'families','{"block": "mine"}');
INSERT INTO "trial_user_attributes" VALUES(32,4,'costs','{"params": 1010, "macs": 49824, "acts": 2058, "bytes": 60784}');
INSERT INTO "trial_user_attributes" VALUES(33,4,'solved','{"stage1.width": 4}');
INSERT INTO "trial_user_attributes" VALUES(34,4,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(35,4,'violations','{"macs": -0.0494505494505495, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(36,4,'metrics','{"val_acc": 0.1, "val_loss": 2.310800018310547}');
INSERT INTO "trial_user_attributes" VALUES(37,4,'seed','2318442757');
INSERT INTO "trial_user_attributes" VALUES(38,4,'seconds','0.4263262750000649');
INSERT INTO "trial_user_attributes" VALUES(39,5,'label','"hs-s3-r3"');
INSERT INTO "trial_user_attributes" VALUES(40,5,'key','"v3:d81ee182f897915f29ca8887af54e3f0"');
INSERT INTO "trial_user_attributes" VALUES(41,5,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(42,5,'costs','{"params": 1459, "macs": 69216, "acts": 6730, "bytes": 209596}');
INSERT INTO "trial_user_attributes" VALUES(43,5,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(44,5,'status','"over_budget"');
INSERT INTO "trial_user_attributes" VALUES(45,5,'violations','{"macs": 0.3205128205128205}');
INSERT INTO "trial_user_attributes" VALUES(46,5,'reason','"macs 32.1% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(47,6,'label','"hs-s4-r3"');
INSERT INTO "trial_user_attributes" VALUES(48,6,'key','"v3:43926af435cb0990120903d65727112a"');
INSERT INTO "trial_user_attributes" VALUES(49,6,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(50,6,'costs','{"params": 1908, "macs": 96032, "acts": 7690, "bytes": 242232}');
INSERT INTO "trial_user_attributes" VALUES(51,6,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(52,6,'status','"over_budget"');
INSERT INTO "trial_user_attributes" VALUES(53,6,'violations','{"macs": 0.832112332112332}');
INSERT INTO "trial_user_attributes" VALUES(54,6,'reason','"macs 83.2% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(55,7,'label','"hs-s5-r3"');
INSERT INTO "trial_user_attributes" VALUES(56,7,'key','"v3:662c6e88823dca2dbe46bcc57c47e19c"');
INSERT INTO "trial_user_attributes" VALUES(57,7,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(58,7,'costs','{"params": 2357, "macs": 122848, "acts": 8650, "bytes": 274868}');
INSERT INTO "trial_user_attributes" VALUES(59,7,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(60,7,'status','"over_budget"');
INSERT INTO "trial_user_attributes" VALUES(61,7,'violations','{"macs": 1.3437118437118438}');
INSERT INTO "trial_user_attributes" VALUES(62,7,'reason','"macs 134.4% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(63,8,'label','"hs-s4-r2"');
INSERT INTO "trial_user_attributes" VALUES(64,8,'key','"v3:a7b0db5e2f562dabe527cfef1cc2ed54"');
INSERT INTO "trial_user_attributes" VALUES(65,8,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(66,8,'costs','{"params": 1390, "macs": 66976, "acts": 5642, "bytes": 171296}');
INSERT INTO "trial_user_attributes" VALUES(67,8,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(68,8,'status','"over_budget"');
INSERT INTO "trial_user_attributes" VALUES(69,8,'violations','{"macs": 0.2777777777777777}');
INSERT INTO "trial_user_attributes" VALUES(70,8,'reason','"macs 27.8% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(71,9,'label','"hs-s5-r1"');
INSERT INTO "trial_user_attributes" VALUES(72,9,'key','"v3:8da6d7ba63b8373f49d1cfbe461b775c"');
INSERT INTO "trial_user_attributes" VALUES(73,9,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(74,9,'costs','{"params": 1011, "macs": 46176, "acts": 3914, "bytes": 111196}');
INSERT INTO "trial_user_attributes" VALUES(75,9,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(76,9,'status','"duplicate"');
INSERT INTO "trial_user_attributes" VALUES(77,9,'violations','{"macs": -0.11904761904761907, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(78,9,'duplicate_of','1');
INSERT INTO "trial_user_attributes" VALUES(79,9,'metrics','{"val_acc": 0.1, "val_loss": 2.3065435791015627}');
INSERT INTO "trial_user_attributes" VALUES(80,9,'seed','1490937302');
INSERT INTO "trial_user_attributes" VALUES(81,10,'label','"hs-s3-r3"');
INSERT INTO "trial_user_attributes" VALUES(82,10,'key','"v3:d81ee182f897915f29ca8887af54e3f0"');
INSERT INTO "trial_user_attributes" VALUES(83,10,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(84,10,'costs','{"params": 1459, "macs": 69216, "acts": 6730, "bytes": 209596}');
INSERT INTO "trial_user_attributes" VALUES(85,10,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(86,10,'status','"duplicate"');
INSERT INTO "trial_user_attributes" VALUES(87,10,'violations','{"macs": 0.3205128205128205}');
INSERT INTO "trial_user_attributes" VALUES(88,10,'duplicate_of','4');
INSERT INTO "trial_user_attributes" VALUES(89,10,'reason','"macs 32.1% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(90,11,'label','"hs-s4-r2"');
INSERT INTO "trial_user_attributes" VALUES(91,11,'key','"v3:a7b0db5e2f562dabe527cfef1cc2ed54"');
INSERT INTO "trial_user_attributes" VALUES(92,11,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(93,11,'costs','{"params": 1390, "macs": 66976, "acts": 5642, "bytes": 171296}');
INSERT INTO "trial_user_attributes" VALUES(94,11,'solved','{"stage1.width": 2}');
INSERT INTO "trial_user_attributes" VALUES(95,11,'status','"duplicate"');
INSERT INTO "trial_user_attributes" VALUES(96,11,'violations','{"macs": 0.2777777777777777}');
INSERT INTO "trial_user_attributes" VALUES(97,11,'duplicate_of','7');
INSERT INTO "trial_user_attributes" VALUES(98,11,'reason','"macs 27.8% outside the budget"');
INSERT INTO "trial_user_attributes" VALUES(99,12,'label','"hs-s3-r1"');
INSERT INTO "trial_user_attributes" VALUES(100,12,'key','"v3:199863c52664a5c3b9eebb055a515dee"');
INSERT INTO "trial_user_attributes" VALUES(101,12,'families','{"block": "hs"}');
INSERT INTO "trial_user_attributes" VALUES(102,12,'costs','{"params": 923, "macs": 41184, "acts": 3594, "bytes": 100052}');
INSERT INTO "trial_user_attributes" VALUES(103,12,'solved','{"stage1.width": 3}');
INSERT INTO "trial_user_attributes" VALUES(104,12,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(105,12,'violations','{"macs": -0.1785714285714286, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(106,12,'metrics','{"val_acc": 0.11, "val_loss": 2.3055982971191407}');
INSERT INTO "trial_user_attributes" VALUES(107,12,'seed','1438392887');
INSERT INTO "trial_user_attributes" VALUES(108,12,'seconds','0.27887346800025625');
INSERT INTO "trial_user_attributes" VALUES(109,13,'label','"resnext-c1-r1"');
INSERT INTO "trial_user_attributes" VALUES(110,13,'key','"v3:40e4fd48d274687d09fbcf456c74642d"');
INSERT INTO "trial_user_attributes" VALUES(111,13,'families','{"block": "resnext"}');
INSERT INTO "trial_user_attributes" VALUES(112,13,'costs','{"params": 1087, "macs": 51936, "acts": 3466, "bytes": 90964}');
INSERT INTO "trial_user_attributes" VALUES(113,13,'solved','{"stage1.width": 7}');
INSERT INTO "trial_user_attributes" VALUES(114,13,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(115,13,'violations','{"macs": -0.009157509157509125, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(116,13,'metrics','{"val_acc": 0.1, "val_loss": 2.3095431518554688}');
INSERT INTO "trial_user_attributes" VALUES(117,13,'seed','1738650787');
INSERT INTO "trial_user_attributes" VALUES(118,13,'seconds','0.28643739700009974');
INSERT INTO "trial_user_attributes" VALUES(119,14,'label','"mine-r2"');
INSERT INTO "trial_user_attributes" VALUES(120,14,'key','"v3:03aa11a3508ad966ba8b3c6267bd07de"');
INSERT INTO "trial_user_attributes" VALUES(121,14,'families','{"block": "mine"}');
INSERT INTO "trial_user_attributes" VALUES(122,14,'costs','{"params": 826, "macs": 36512, "acts": 2826, "bytes": 80624}');
INSERT INTO "trial_user_attributes" VALUES(123,14,'solved','{"stage1.width": 1}');
INSERT INTO "trial_user_attributes" VALUES(124,14,'status','"trained"');
INSERT INTO "trial_user_attributes" VALUES(125,14,'violations','{"macs": -0.044871794871794934, "diverged": 0.0}');
INSERT INTO "trial_user_attributes" VALUES(126,14,'metrics','{"val_acc": 0.1, "val_loss": 2.30341064453125}');
INSERT INTO "trial_user_attributes" VALUES(127,14,'seed','1926497850');
INSERT INTO "trial_user_attributes" VALUES(128,14,'seconds','0.36544682800013106');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,2,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(2,3,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(3,4,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(4,9,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(5,12,0,0.11,'FINITE');
INSERT INTO "trial_values" VALUES(6,13,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(7,14,0,0.1,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'PRUNED','2026-11-30 15:15:31.379398','2026-11-30 15:15:32.117158');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-30 15:15:32.295550','2026-11-30 15:15:34.187506');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-30 15:15:34.363205','2026-11-30 15:15:36.984688');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-30 15:15:37.259947','2026-11-30 15:15:39.657396');
INSERT INTO "trials" VALUES(5,4,1,'PRUNED','2026-11-30 15:15:39.867035','2026-11-30 15:15:40.428550');
INSERT INTO "trials" VALUES(6,5,1,'PRUNED','2026-11-30 15:15:40.617197','2026-11-30 15:15:41.220144');
INSERT INTO "trials" VALUES(7,6,1,'PRUNED','2026-11-30 15:15:41.425472','2026-11-30 15:15:42.106204');
INSERT INTO "trials" VALUES(8,7,1,'PRUNED','2026-11-30 15:15:42.252385','2026-11-30 15:15:42.765112');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-30 15:15:43.011536','2026-11-30 15:15:43.739008');
INSERT INTO "trials" VALUES(10,9,1,'PRUNED','2026-11-30 15:15:43.997227','2026-11-30 15:15:44.725034');
INSERT INTO "trials" VALUES(11,10,1,'PRUNED','2026-11-30 15:15:44.966477','2026-11-30 15:15:45.950959');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-30 15:15:46.104237','2026-11-30 15:15:48.620219');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-30 15:15:48.801382','2026-11-30 15:15:51.142175');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-30 15:15:51.289016','2026-11-30 15:15:53.515358');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
